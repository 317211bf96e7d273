import type { CommandUnknownOpts } from '@commander-js/extra-typings';

export interface CompletedOption {
  /** `--output`, and `-o` if there is one. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Names that the gateway knows. */
export const NAME_KINDS = ['tasks', 'nodes', 'settings'] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** What can follow after a command. */
export interface CompletedCommand {
  /** Empty for `cynork` itself, else `/task/create`. */
  readonly path: string;
  /** Subcommands, or what its first argument may be. */
  readonly words: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** What its first argument names, where the gateway knows the names. */
  readonly names: NameKind | null;
}

const HELP: CompletedOption = {
  names: ['--help', '-h'],
  description: 'show help',
  takesValue: false,
  choices: [],
};

/** Every command of the tree, without the hidden ones. */
export function commandsToComplete(root: CommandUnknownOpts, path = ''): readonly CompletedCommand[] {
  const visible = root
    .createHelp()
    .visibleCommands(root)
    .filter((command) => command.name() !== 'help');
  const own: CompletedCommand = {
    path,
    words: [
      ...visible.map((command) => ({ name: command.name(), description: command.description() })),
      ...(root.registeredArguments[0]?.argChoices ?? []).map((name) => ({ name, description: '' })),
    ],
    options: [...root.options.filter(({ hidden }) => !hidden).map(toOption), HELP],
    names: namesOf(root),
  };
  return [own, ...visible.flatMap((command) => commandsToComplete(command, `${path}/${command.name()}`))];
}

function toOption(option: CommandUnknownOpts['options'][number]): CompletedOption {
  return {
    names: [option.long, option.short].filter((name) => name !== undefined),
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}

function namesOf(command: CommandUnknownOpts): CompletedCommand['names'] {
  const argument = command.registeredArguments[0]?.name();
  return NAME_KINDS.find((kind) => kind === `${argument}s`) ?? null;
}
