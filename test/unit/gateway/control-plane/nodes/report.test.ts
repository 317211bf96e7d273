import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { attributesOf, lenientReportSchema } from '../../../../../gateway/control-plane/nodes/report.ts';

const parse = (value: unknown) => lenientReportSchema.parse(value);

describe('a lenient capability report', () => {
  it('fills in what is absent or null', () => {
    expect(parse({ platform: { os: 'linux' }, compute: null })).toEqual({
      version: 0,
      reported_at: '',
      node: { node_slug: '' },
      platform: { os: 'linux', arch: '' },
      compute: { cpu_cores: 0, ram_mb: 0 },
    });
  });

  it('keeps members that nobody knows', () => {
    expect(parse({ extra: [1], node: { zone: 'b' } })).toMatchObject({ extra: [1], node: { zone: 'b' } });
  });

  it.each([[[]], [1], ['x'], [{ node: 'x' }], [{ compute: { ram_mb: 'much' } }], [null]])(
    'refuses %j',
    (value) => {
      expect(lenientReportSchema.safeParse(value).success).toBe(false);
    },
  );

  it('never throws anything but a refusal', () => {
    fc.assert(fc.property(fc.anything(), (value) => void lenientReportSchema.safeParse(value)));
  });
});

describe('what is read out of a report', () => {
  it('takes one job at a time from a node that says nothing', () => {
    expect(attributesOf(parse({}), undefined)).toEqual({
      name: null,
      labels: [],
      maxConcurrency: 1,
      workerApiUrl: null,
    });
  });

  it.each([
    [{ supported: true, max_concurrency: 4 }, 4],
    [{ supported: true }, 1],
    [{ supported: false, max_concurrency: 4 }, 0],
    [{ max_concurrency: -3 }, 0],
    [{ max_concurrency: 10_000_000 }, 1_000],
  ])('reads the slots of %j', (sandbox, slots) => {
    expect(attributesOf(parse({ sandbox }), undefined).maxConcurrency).toBe(slots);
  });

  it('prefers the address that the orchestrator is told, without a slash at the end', () => {
    const report = parse({ worker_api: { base_url: 'http://node:12090//' } });
    expect(attributesOf(report, undefined).workerApiUrl).toBe('http://node:12090');
    expect(attributesOf(report, 'http://proxy:1/').workerApiUrl).toBe('http://proxy:1');
  });

  it('bounds names and labels', () => {
    const node = { name: 'n'.repeat(999), labels: Array.from({ length: 99 }, () => 'l'.repeat(999)) };
    const { name, labels } = attributesOf(parse({ node }), undefined);
    expect(name).toHaveLength(255);
    expect(labels).toHaveLength(64);
    expect(labels[0]).toHaveLength(255);
  });
});
