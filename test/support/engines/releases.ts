type Release = () => Promise<void>;

/** What global set-up acquired in this process and global tear-down gives back, last first. */
const releases: Release[] = [];

/** Remembers how to give something back. */
export function onRelease(release: Release): void {
  releases.push(release);
}

/** Gives everything back, also when giving one thing back fails; then throws the first failure. */
export async function releaseAll(): Promise<void> {
  const failures: unknown[] = [];
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    await release().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'an engine could not be released');
}

/** Runs a program and ends the process with its exit code; whatever ends it, everything is given back exactly once. */
export async function runAndRelease(
  main: () => Promise<number>,
  tell: (error: unknown) => void,
): Promise<never> {
  let leaving: Promise<never> | undefined;
  const leave = (code: number): Promise<never> => {
    leaving ??= releaseAll()
      .catch((error: unknown) => {
        tell(error);
        return 1;
      })
      .then((failed) => process.exit(failed ?? code));
    return leaving;
  };
  process.once('SIGINT', () => void leave(130));
  process.once('SIGTERM', () => void leave(143));
  const code = await main().catch((error: unknown) => {
    tell(error);
    return 1;
  });
  return leave(code);
}
