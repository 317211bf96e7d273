import { join } from 'node:path';
import { build } from 'esbuild';
import { SetupError } from '../engines/talk.ts';
import { ROOT, type Output } from './outputs.ts';

/** Some dependencies are CommonJS and call `require`, which ES modules do not have. */
const REQUIRE_SHIM =
  "import { createRequire as cynorkCreateRequire } from 'node:module';const require = cynorkCreateRequire(import.meta.url);";

/** `cynork` in one file, because loading hundreds of modules would cost more than most commands. */
export const cliOutput: Output = {
  name: 'cynork',
  file: 'cli/dist/cynork.mjs',
  sources: ['cli', 'contracts', 'package-lock.json', 'scripts/build/cli.ts'],
  build: async () => {
    const result = await build({
      entryPoints: [join(ROOT, 'cli/main.ts')],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      banner: { js: REQUIRE_SHIM },
      logLevel: 'warning',
    });
    const [file] = result.outputFiles;
    if (file === undefined) throw new SetupError('esbuild made no bundle of cynork');
    return file.text;
  },
};
