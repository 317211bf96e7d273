import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { nonBlank } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

export function addAuthCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const auth = program
    .command('auth')
    .description('log in and out')
    .addHelpText('after', examples('cynork auth login', 'cynork auth whoami'));

  auth
    .command('login')
    .description('log in and save the session in the config file; asks for what is not given')
    .option('-u, --user <handle>', 'handle of the user', nonBlank)
    .option('--handle <handle>', 'the same as --user', nonBlank)
    .option('--password-stdin', 'read the password from stdin; needs --user')
    .addHelpText(
      'after',
      examples(
        'cynork auth login --user admin',
        'cynork auth login -u admin --password-stdin < password.txt',
      ),
    )
    .action((options, command) =>
      runtime.run(command, async (context) => {
        const { login } = await import('./auth/login.ts');
        await login(context, options.user ?? options.handle, options.passwordStdin === true);
      }),
    );

  addSessionCommands(auth, runtime);
}

function addSessionCommands(auth: CommandUnknownOpts, runtime: Runtime): void {
  auth
    .command('logout')
    .description('end the session at the gateway and remove it from the config file')
    .addHelpText('after', examples('cynork auth logout'))
    .action((_options, command) =>
      runtime.run(command, async (context) => (await import('./auth/session.ts')).logout(context)),
    );

  auth
    .command('whoami')
    .description('show the user of the session')
    .addHelpText('after', examples('cynork auth whoami', 'cynork auth whoami -o json'))
    .action((_options, command) =>
      runtime.run(command, async (context) => (await import('./auth/session.ts')).whoami(context)),
    );

  auth
    .command('refresh')
    .description('renew the session now; commands do so by themselves when it has expired')
    .addHelpText('after', examples('cynork auth refresh'))
    .action((_options, command) =>
      runtime.run(command, async (context) => (await import('./auth/session.ts')).refresh(context)),
    );
}
