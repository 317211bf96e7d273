import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SEARCH_ATTRIBUTES } from '../../../../contracts/temporal.ts';
import { createNamespace } from '../../../../scripts/engines/temporal-operator.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-operator-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A command line that notes what it is asked for. @param answer shell that may end it with a failure */
async function commandLine(answer: string): Promise<{ cli: string; asked: () => Promise<string[]> }> {
  const [cli, notes] = [join(folder, 'temporal'), join(folder, 'asked')];
  await writeFile(cli, `#!/bin/sh\necho "$@" >> '${notes}'\n${answer}\n`);
  await chmod(cli, 0o755);
  return { cli, asked: async () => (await readFile(notes, 'utf8')).trim().split('\n') };
}

const at = (cli: string) => ({ cli, port: 7233, namespace: 'ours' });

describe('the preparation of a namespace', () => {
  it('completes one that an earlier run has left without search attributes', async () => {
    const { cli, asked } = await commandLine('');
    await createNamespace(at(cli));
    const commands = await asked();
    const attributes = commands.find((command) => command.startsWith('operator search-attribute create'));
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(attributes).toContain(`--name ${name}`);
    expect(commands).toContainEqual(expect.stringMatching(/^operator namespace update --retention/));
    expect(commands).not.toContainEqual(expect.stringMatching(/^operator namespace create/));
  });

  it('makes one that is missing, also when somebody else does so at the same time', async () => {
    const { cli, asked } = await commandLine(
      `if [ "$2" = list ] && ! [ -e '${folder}/there' ]; then exit 1; fi
       if [ "$2 $3" = 'namespace create' ]; then touch '${folder}/there'; echo 'Namespace already exists' >&2; exit 1; fi`,
    );
    await createNamespace(at(cli));
    expect(await asked()).toContainEqual(expect.stringMatching(/^operator search-attribute create/));
  });

  it('fails with the words of Temporal', async () => {
    const { cli } = await commandLine('echo "no permission" >&2; exit 1');
    await expect(createNamespace(at(cli))).rejects.toThrow('could not be made: no permission');
  });
});
