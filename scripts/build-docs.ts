import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderErrorDocs } from './build/error-docs.ts';
import { ROOT } from './build/outputs.ts';

const PAGES = { 'docs/errors.md': renderErrorDocs };

const checkOnly = process.argv.includes('--check');
for (const [page, render] of Object.entries(PAGES)) {
  const file = join(ROOT, page);
  if (!checkOnly) {
    await writeFile(file, render());
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== render()) {
    console.error(`${page} is out of date: run "npm run build:docs" and commit it.`);
    process.exitCode = 1;
  }
}
