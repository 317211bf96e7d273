import { posix } from 'node:path';
import { PRODUCT_FOLDERS, productFolderOf } from './sources.ts';
import type { ProductFolder, Source } from './sources.ts';

/** The import table of design §3, read from the text of the sources; `dependency-cruiser` checks it by resolving. */

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const STATEMENT = /^[ \t]*(?:import|export)\b(?<names>[^;'"`]*?)\bfrom\s*['"](?<from>[^'"\n]+)['"]/gm;
const BARE = /^[ \t]*import\s*['"](?<from>[^'"\n]+)['"]/gm;
const DYNAMIC = /\b(?:import|require)\(\s*['"`](?<from>[^'"`\n]+)['"`]/g;

export function importsOf(text: string): readonly Import[] {
  const statements = [...text.matchAll(STATEMENT)].map(({ groups }) => ({
    specifier: groups?.['from'] ?? '',
    typeOnly: /^\s*type\b/.test(groups?.['names'] ?? ''),
  }));
  const others = [...text.matchAll(BARE), ...text.matchAll(DYNAMIC)].map(({ groups }) => ({
    specifier: groups?.['from'] ?? '',
    typeOnly: false,
  }));
  return [...statements, ...others];
}

/** What a place may import beside itself. The longest place that a path starts with counts. */
interface Rule {
  readonly folders: readonly ProductFolder[];
  /** The only packages, where not any is allowed. */
  readonly packages?: readonly string[];
  /** Folders of which only types may be taken. */
  readonly typesOf?: readonly ProductFolder[];
}

const TABLE: Readonly<Record<string, Rule>> = {
  'contracts/': { folders: [], packages: ['zod'] },
  'platform/': { folders: ['contracts'] },
  'schema/': { folders: ['contracts', 'platform'] },
  'agent/': { folders: ['contracts'], typesOf: ['platform'] },
  'workflows/': { folders: ['contracts'], packages: ['@temporalio/workflow'] },
  'activities/': { folders: ['contracts', 'platform', 'schema'] },
  'activities/agent/': { folders: ['activities', 'contracts', 'platform', 'agent'] },
  'workers/': { folders: ['activities', 'agent', 'schema', 'platform', 'contracts'] },
  'workers/agent': { folders: ['activities', 'agent', 'platform', 'contracts'] },
  'gateway/': { folders: ['contracts', 'platform', 'schema'] },
  'node-agent/': { folders: ['contracts', 'platform'] },
  'cli/': { folders: ['contracts'] },
  'bin/': { folders: ['gateway', 'workers', 'node-agent', 'schema', 'platform', 'contracts'] },
};

/** Packages that only these places of the product may import. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  kysely: ['schema/'],
  'kysely-codegen': ['schema/'],
  pg: ['schema/'],
  dockerode: ['node-agent/sandbox/'],
  '@temporalio/workflow': ['workflows/'],
  '@temporalio/worker': ['workers/', 'node-agent/', 'platform/temporal/'],
  '@temporalio/client': ['gateway/', 'workers/', 'activities/', 'node-agent/', 'platform/temporal/'],
};

/** What a source imports against the table, in words. */
export function forbiddenImports({ path, text }: Source): readonly string[] {
  const home = productFolderOf(path);
  if (home === undefined) return [];
  const rule = ruleOf(path);
  return importsOf(text).flatMap(({ specifier, typeOnly }) => {
    const allowed = specifier.startsWith('.')
      ? mayImportFile(posix.join(posix.dirname(path), specifier), home, rule, typeOnly)
      : mayImportPackage(packageOf(specifier), path, rule);
    return allowed ? [] : [`${path} imports ${specifier}`];
  });
}

function ruleOf(path: string): Rule {
  const place = Object.keys(TABLE)
    .filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  const rule = place === undefined ? undefined : TABLE[place];
  if (rule === undefined) throw new Error(`${path} is in none of ${PRODUCT_FOLDERS.join(', ')}`);
  return rule;
}

function mayImportFile(target: string, home: ProductFolder, rule: Rule, typeOnly: boolean): boolean {
  const folder = productFolderOf(target);
  if (folder === undefined) return target === 'package.json' || target === `${home}/package.json`;
  if (folder === home) return home !== 'activities' || mayImportActivities(target, rule);
  return rule.folders.includes(folder) || (typeOnly && rule.typesOf?.includes(folder) === true);
}

/** Agents run only behind `activities/agent/`. */
function mayImportActivities(target: string, rule: Rule): boolean {
  return !target.startsWith('activities/agent/') || rule.folders.includes('agent');
}

function mayImportPackage(name: string, path: string, rule: Rule): boolean {
  if (rule.packages !== undefined && !rule.packages.includes(name)) return false;
  const owners = Object.hasOwn(OWNERS, name) ? OWNERS[name] : undefined;
  return owners === undefined || owners.some((owner) => path.startsWith(owner));
}

/** `@scope/name/deep/file` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
