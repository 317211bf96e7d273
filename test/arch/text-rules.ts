import { productFolderOf } from './sources.ts';
import type { Source } from './sources.ts';

/** Rules that the text of one file can break. Each returns what it found, in words. */
export type TextRule = (source: Source) => readonly string[];

const MAX_LINES = 300;

export const tooLong: TextRule = ({ path, text }) => {
  const lines = text.split('\n').length - 1;
  return productFolderOf(path) !== undefined && lines > MAX_LINES ? [`${path} has ${lines} lines`] : [];
};

/** Put together here, so that this file does not break the rule. */
const SUPPRESSIONS = [
  ['eslint', 'disable'],
  ['prettier', 'ignore'],
  ['biome', 'ignore'],
  ['@ts', 'ignore'],
  ['@ts', 'expect-error'],
  ['@ts', 'nocheck'],
  ['istanbul ', 'ignore'],
  ['c8 ', 'ignore'],
].map(([tool, word]) => `${tool}${tool?.endsWith(' ') === true ? '' : '-'}${word}`);

/** A rule is changed in its configuration, with its reason. */
export const suppression: TextRule = ({ path, text }) =>
  SUPPRESSIONS.filter((word) => text.includes(word)).map((word) => `${path} says ${word}`);

const MODULE_MOCK = /\bjest\s*\.\s*(?:un)?(?:stable_mockModule|mock|doMock|setMock)\s*\(/;

export const moduleMock: TextRule = ({ path, text }) =>
  MODULE_MOCK.test(text) ? [`${path} replaces a module`] : [];

/** The readers of configuration, the places where a process begins, and what is no product. */
const MAY_READ_ENVIRONMENT = [
  /^(platform|node-agent|cli)\/config\//,
  /(^|\/)main\.ts$/,
  /^(scripts|test|bench)\//,
  /^[^/]+\.mjs$/,
];
const ENVIRONMENT =
  /\bprocess\s*(?:\.\s*env\b|\[\s*['"]env)|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"](?:node:)?process/;

export const readsEnvironment: TextRule = ({ path, text }) =>
  ENVIRONMENT.test(text) && !MAY_READ_ENVIRONMENT.some((place) => place.test(path))
    ? [`${path} reads the environment`]
    : [];

const KEPT_BY_MODULE = /^(?:export )?(?:(?:let|var)\b|const \w+[^=\n]*= new \w+)/gm;

/** Modules of workflows are evaluated once for all workflows of a worker (scripts/build/workflows.ts). */
export const workflowModuleKeepsState: TextRule = ({ path, text }) =>
  path.startsWith('workflows/')
    ? [...text.matchAll(KEPT_BY_MODULE)].map(([found]) => `${path} keeps ${found}`)
    : [];

/** Homes and checkouts of whoever wrote it; paths inside containers (`/workspace`, `/tmp`, all of `compose/`) are none. */
const MACHINE_PATH = /(?<![\w.~-])\/(?:work|home\/[\w-]+|Users\/[\w-]+|root\/[\w-]{2,})\/[\w.-]+/g;

export const machinePath: TextRule = ({ path, text }) =>
  path.startsWith('compose/')
    ? []
    : [...text.matchAll(MACHINE_PATH)].map(([found]) => `${path} names ${found}`);

const REGISTRY_URL = /\bhttps?:\/\/[^\s/"'`)]*(?:registry|artifactory|nexus|verdaccio|npm|pypi)[^\s/"'`)]*/g;
const PUBLIC_REGISTRIES = new Set(['https://registry.npmjs.org', 'https://www.npmjs.com']);

/** @param ownHosts hosts of registries that this machine is set up to use */
export function registryHost(ownHosts: readonly string[]): TextRule {
  return ({ path, text }) => {
    const urls = [...text.matchAll(REGISTRY_URL)]
      .map(([url]) => url)
      .filter((url) => !PUBLIC_REGISTRIES.has(url));
    const hosts = ownHosts.filter((host) => text.includes(host));
    return [...urls, ...hosts].map((found) => `${path} names ${found}`);
  };
}
