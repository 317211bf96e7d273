import { describe, expect, it } from '@jest/globals';
import { jobModelUseSchema, MAX_JOB_MODELS } from '../../../../contracts/jobs.ts';
import { JobUsage } from '../../../../node-agent/inference/job-usage.ts';

describe('what a job uses of models', () => {
  it('is added up by model', () => {
    const usage = new JobUsage();
    usage.add('a:latest', { prompt: 5, completion: 7 });
    usage.add('a:latest', { prompt: 1, completion: 2 });
    usage.add('b:7b', { prompt: 0, completion: 3 });
    expect(usage.report()).toEqual([
      { model: 'a:latest', calls: 2, prompt_tokens: 6, completion_tokens: 9 },
      { model: 'b:7b', calls: 1, prompt_tokens: 0, completion_tokens: 3 },
    ]);
  });

  it('is bounded where there is a budget', () => {
    const usage = new JobUsage(10);
    expect(() => usage.requireRest()).not.toThrow();
    usage.add('a', { prompt: 5, completion: 4 });
    expect(() => usage.requireRest()).not.toThrow();
    usage.add('a', { prompt: 5, completion: 4 });
    expect(() => usage.requireRest()).toThrow(expect.objectContaining({ code: 'budget_spent' }));
    expect(() => new JobUsage(0).requireRest()).toThrow();
    expect(() => new JobUsage().requireRest()).not.toThrow();
  });

  it('stays within what a result may say, whatever an Ollama says', () => {
    const usage = new JobUsage();
    for (let call = 0; call < 5; call += 1) usage.add('a', { prompt: 999_999_999, completion: 999_999_999 });
    expect(jobModelUseSchema.array().safeParse(usage.report()).success).toBe(true);
  });

  it('lists so many models at most, and loses nothing', () => {
    const usage = new JobUsage();
    for (let index = 0; index < 100; index += 1) usage.add(`model-${index}`, { prompt: 1, completion: 1 });
    expect(usage.report()).toHaveLength(MAX_JOB_MODELS);
    expect(usage.report().reduce((sum, { calls }) => sum + calls, 0)).toBe(100);
  });
});
