// Needs no schema, so that a client can check names without loading zod.

const NAME_MAX_BYTES = 255;
const PATH_MAX_BYTES = 1024;
/** Control characters and what is no character: they have no place in a header, a line of output or a file's name. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\uFFFD]/u;

/** Whether a text can be the name of a file in a folder: one segment, printable, at most 255 bytes. */
export function isFileName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  return !/[/\\]/.test(name) && !UNPRINTABLE.test(name) && byteLength(name) <= NAME_MAX_BYTES;
}

/** Whether a text is a path below a folder: segments with `/` between them, none of them `.` or `..`, at most 1024 bytes. */
export function isRelativePath(path: string): boolean {
  if (UNPRINTABLE.test(path) || byteLength(path) > PATH_MAX_BYTES) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** The last segment of a path of any system: what a client calls its file is no path of ours. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? '';
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
