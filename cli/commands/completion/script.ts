import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { bashScript } from '../../completion/bash.ts';
import { fishScript } from '../../completion/fish.ts';
import { commandsToComplete } from '../../completion/tree.ts';
import { zshScript } from '../../completion/zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completionScript(shell: keyof typeof SCRIPTS, program: CommandUnknownOpts): string {
  return SCRIPTS[shell](commandsToComplete(program));
}
