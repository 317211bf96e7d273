/** JSON as printed with `-o json`: two-space indent, nothing escaped beyond JSON's own rules, one trailing newline (contract §17.1). */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
