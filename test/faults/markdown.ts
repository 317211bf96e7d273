import type { Quantiles } from './recovery.ts';
import type { Report } from './report.ts';

/** The report as two tables for a document. */
export function markdownOf(report: Report): string {
  return [...factsOf(report), '', ...recoveryOf(report)].join('\n');
}

function factsOf(report: Report): string[] {
  const { tasks, attempts, completions, overlaps, violations, journalGaps } = report;
  const longest = Math.max(0, ...overlaps.map(({ ms }) => ms));
  const minutes = Math.round(report.seconds / 6) / 10;
  const all = report.recovery.at(-1);
  const rows: [string, string | number][] = [
    ['faults injected', `${report.faultsInjected} of ${report.faultsPlanned} in ${minutes} minutes`],
    ['tasks accepted', tasks.accepted],
    ['completed, canceled', `${tasks.completed}, ${tasks.canceled}`],
    ['failed after three started attempts lost to faults', tasks.givenUp],
    [
      '**violations: lost, stuck or changed tasks; effects accepted twice; containers, attempts or workflows left; idle nodes**',
      `**${violations.length}**`,
    ],
    ['attempts (most of one job), containers', `${attempts.all} (${attempts.most}), ${report.containers}`],
    [
      'completions accepted, of which the reply was lost',
      `${completions.accepted}, ${completions.repliesLost}`,
    ],
    ['late completions refused', completions.refused],
    ['claims and completions of second runners, all refused', report.secondRunnersRefused],
    [
      'containers that outlived their fence, the longest by (starts and deaths not seen)',
      `${overlaps.length}, ${seconds(longest)} s (${journalGaps.startsNotSeen}, ${journalGaps.deathsNotSeen})`,
    ],
    ['processes that ended by themselves', Object.values(report.selfEnded).reduce((sum, n) => sum + n, 0)],
    [
      '**recovery, plain definition: p50, p99, max (s)**',
      all === undefined ? '' : `**${quantiles(all.sinceInjection)}**`,
    ],
  ];
  return [
    `${report.engine}, seed ${report.seed}:`,
    '',
    '|     |     |',
    '| --- | --: |',
    ...rows.map(([what, value]) => `| ${what} | ${value} |`),
  ];
}

function recoveryOf({ recovery }: Report): string[] {
  return [
    '| recovery: p50, p99, max (s) | faults | tasks | from the injection | from the end of the cause | caused by it |',
    '| --- | --: | --: | --: | --: | --: |',
    ...recovery.map((row) => {
      const times = [row.sinceInjection, row.sinceCauseGone, row.causedByIt].map(quantiles);
      return `| ${row.name} | ${row.faults} | ${row.tasks} | ${times.join(' | ')} |`;
    }),
  ];
}

function quantiles({ p50, p99, max }: Quantiles): string {
  return [p50, p99, max].map(seconds).join(', ');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
