const MEBIBYTE = 1024 * 1024;

/** A size as users read it. */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MB`;
}
