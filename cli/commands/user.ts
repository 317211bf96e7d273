import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { pageSize } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

const MAX_PAGE = 200;

export function addUserCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const user = program
    .command('user')
    .description('manage users; for administrators')
    .addHelpText('after', examples('cynork user list', 'cynork user create alice'));
  addListAndCreate(user, runtime);
  addResetPassword(user, runtime);
  addAction(user, runtime, 'disable', 'disable', 'shut a user out: refused from the next request on');
  addAction(user, runtime, 'enable', 'enable', 'let a disabled user in again');
  addAction(user, runtime, 'revoke-sessions', 'revoke_sessions', 'end all sessions of a user');
}

function addListAndCreate(user: CommandUnknownOpts, runtime: Runtime): void {
  user
    .command('list')
    .description('list the users: one line each')
    .option('-l, --limit <n>', 'users per page, 1 to 200', pageSize(MAX_PAGE))
    .option('--cursor <cursor>', 'go on where the page before ended')
    .addHelpText('after', examples('cynork user list', 'cynork user list --limit 10 -o json'))
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./user/manage.ts')).listAll(context, options)),
    );

  user
    .command('create')
    .description('create a user; asks for the password')
    .argument('<handle>', 'handle: lower-case letters, digits, . _ -')
    .option('--email <address>', 'e-mail address')
    .option('--password-stdin', 'read the password from stdin')
    .addHelpText(
      'after',
      examples('cynork user create alice', 'cynork user create alice --password-stdin < password.txt'),
    )
    .action((handle, options, command) =>
      runtime.run(command, async (context) =>
        (await import('./user/manage.ts')).create(context, handle, options),
      ),
    );
}

function addResetPassword(user: CommandUnknownOpts, runtime: Runtime): void {
  user
    .command('reset-password')
    .description('give a user another password; asks for it')
    .argument('<user>', 'handle or id of the user')
    .option('--password-stdin', 'read the password from stdin')
    .addHelpText(
      'after',
      examples(
        'cynork user reset-password alice',
        'cynork user reset-password alice --password-stdin < new.txt',
      ),
    )
    .action((name, options, command) =>
      runtime.run(command, async (context) =>
        (await import('./user/manage.ts')).resetPassword(context, name, options),
      ),
    );
}

function addAction(
  user: CommandUnknownOpts,
  runtime: Runtime,
  name: 'disable' | 'enable' | 'revoke-sessions',
  action: 'disable' | 'enable' | 'revoke_sessions',
  description: string,
): void {
  user
    .command(name)
    .description(description)
    .argument('<user>', 'handle or id of the user')
    .addHelpText('after', examples(`cynork user ${name} alice`))
    .action((target, _options, command) =>
      runtime.run(command, async (context) =>
        (await import('./user/manage.ts')).act(context, target, action),
      ),
    );
}
