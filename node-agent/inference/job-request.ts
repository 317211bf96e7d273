import { qualified, type Kept } from './models.ts';
import { modelNamedIn } from './request-body.ts';

/** Options by another value of which Ollama loads a model anew. */
const LOADING_OPTIONS: ReadonlySet<string> = new Set([
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'low_vram',
  'vocab_only',
  'use_mmap',
  'use_mlock',
]);
const DEFAULT_PLACE = /^(registry\.ollama\.ai\/)?library\//;

/** One name for all the ways to write the name of a model. */
export function canonicalModel(name: string): string {
  const lower = name.trim().toLowerCase();
  return qualified(lower.replace(DEFAULT_PLACE, ''));
}

/**
 * What Ollama gets of a job's call: a job does not say how long a model stays in memory, nor how the kept one is loaded.
 * What is no JSON object passes as it is, for Ollama to refuse.
 */
export function jobRequest(bytes: Buffer, kept: Kept | undefined): Buffer {
  const body = objectIn(bytes);
  if (body === undefined) return bytes;
  const own = kept !== undefined && canonicalModel(modelNamedIn(bytes)) === canonicalModel(kept.model);
  const isOptions = (name: string): boolean => own && name.toLowerCase() === 'options';
  const entries = Object.entries(body);
  const passed = entries.filter(([name]) => name.toLowerCase() !== 'keep_alive' && !isOptions(name));
  if (own)
    passed.push([
      'options',
      optionsFor(
        kept,
        entries.filter(([name]) => isOptions(name)),
      ),
    ]);
  return Buffer.from(JSON.stringify(Object.fromEntries(passed)));
}

function optionsFor({ contextTokens }: Kept, given: readonly (readonly [string, unknown])[]): object {
  const options = given.flatMap(([, value]) => (isObject(value) ? Object.entries(value) : []));
  const passed = options.filter(([name]) => !LOADING_OPTIONS.has(name.toLowerCase()));
  return { ...Object.fromEntries(passed), num_ctx: contextTokens };
}

function objectIn(bytes: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
