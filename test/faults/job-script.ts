/** What the jobs of the load do: say once that they acted, then tick every 200 ms until they are over. */
export function jobScript(key: string, seconds: number): string {
  const ticks = Math.round(seconds * 5);
  return [
    `echo "effect ${key} $(cat /proc/sys/kernel/random/uuid)"`,
    'i=0',
    `while [ $i -lt ${ticks} ]; do`,
    '  read up rest < /proc/uptime; echo "tick $up"',
    '  sleep 0.2; i=$((i+1))',
    'done',
    'echo end',
  ].join('\n');
}

/** The effect line of an output: the task's key and an id that only this execution knows. */
export function effectIn(stdout: string): string | null {
  return /^effect (\S+ \S+)$/m.exec(stdout)?.[1] ?? null;
}

/** Times of the ticks of an output, in seconds since the machine was started. */
export function ticksIn(stdout: string): number[] {
  return [...stdout.matchAll(/^tick ([\d.]+)$/gm)].map((match) => Number(match[1]));
}
