import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';

const LOGGER = new URL('../../../platform/logger.ts', import.meta.url).href;

/** What a process writes that logs this. */
function logged(statement: string, level = 'info'): string {
  const script = `
    import { createLogger } from '${LOGGER}';
    const logger = createLogger({ role: 'user-api', level: '${level}' });
    ${statement}`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
}

describe('the log', () => {
  it('is one JSON object a line on standard output, with role, time and fields', () => {
    const lines = logged(`logger.info({ taskId: 'a\\nb' }, 'created'); logger.debug('not at this level');`);
    expect(lines.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(lines)).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      role: 'user-api',
      taskId: 'a\nb',
      msg: 'created',
    });
  });

  it('never shows the members that hold secrets, at the top or one level down', () => {
    const names = [
      ...['authorization', 'password', 'psk', 'secret', 'token', 'bearer', 'access_token', 'refresh_token'],
      ...[
        'job_token',
        'node_jwt',
        'orchestrator_bearer_token',
        'databaseUrl',
        'masterSecret',
        'registrationPsk',
      ],
      ...['bootstrapAdminPassword', 'workflowRunnerToken'],
    ];
    const members = JSON.stringify(Object.fromEntries(names.map((name) => [name, 'hunter2'])));
    const text = logged(`
      logger.info(${members}, 'top');
      logger.info({ config: ${members}, headers: { authorization: 'hunter2' } }, 'one down');
      logger.info({ config: { previousSecrets: ['hunter2'] } }, 'a list');`);
    expect(text).not.toContain('hunter2');
    expect(text.split('[redacted]')).toHaveLength(2 * names.length + 3);
  });
});
