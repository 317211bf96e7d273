import { describe, expect, it } from '@jest/globals';
import { Silence } from '../../../../node-agent/watchdog/silence.ts';

describe('the silence of another process', () => {
  it('grows with time, and ends when it is heard', () => {
    const silence = new Silence(250, 0);
    for (let nowMs = 250; nowMs <= 3_000; nowMs += 250) silence.tick(nowMs);
    expect(silence.ms).toBe(3_000);
    silence.heard();
    expect(silence.ms).toBe(0);
  });

  it('does not count the time in which this process was stopped', () => {
    const silence = new Silence(250, 0);
    silence.tick(250);
    silence.tick(60_250);
    expect(silence.ms).toBe(750);
    for (let nowMs = 60_500; nowMs <= 62_500; nowMs += 250) silence.tick(nowMs);
    expect(silence.ms).toBe(3_000);
  });
});
