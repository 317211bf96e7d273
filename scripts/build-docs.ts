import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderErrorDocs } from './build/error-docs.ts';
import { renderControlPlaneDocument, renderUserApiDocument } from './build/openapi.ts';
import { ROOT } from './build/outputs.ts';

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/errors.md': renderErrorDocs,
  'docs/openapi/user-api.json': renderUserApiDocument,
  'docs/openapi/control-plane.json': renderControlPlaneDocument,
};

const checkOnly = process.argv.includes('--check');
for (const [page, render] of Object.entries(PAGES)) {
  const file = join(ROOT, page);
  const text = await render();
  if (!checkOnly) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`${page} is out of date: run "npm run build:docs" and commit it.`);
    process.exitCode = 1;
  }
}
