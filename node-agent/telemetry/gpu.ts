import { execFile } from 'node:child_process';

/** A GPU as the capability report has it (contract §8.2). */
export interface GpuDevice {
  readonly vendor: string;
  readonly model: string;
  readonly device_id: string;
  readonly vram_mb: number;
  readonly features: Readonly<Record<string, string>>;
}

const TOOL_TIMEOUT_MS = 5_000;
const MEBIBYTE = 1024 * 1024;

/** GPUs that a vendor's own tool finds; none where no tool is installed or it fails. */
export async function findGpus(): Promise<readonly GpuDevice[]> {
  const [nvidia, rocm] = await Promise.all([
    runTool('nvidia-smi', [
      '--query-gpu=uuid,name,memory.total,compute_cap',
      '--format=csv,noheader,nounits',
    ]),
    runTool('rocm-smi', ['--showid', '--showproductname', '--showmeminfo', 'vram', '--json']),
  ]);
  return [...(nvidia === null ? [] : parseNvidia(nvidia)), ...(rocm === null ? [] : parseRocm(rocm))];
}

function runTool(file: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(file, [...args], { timeout: TOOL_TIMEOUT_MS }, (error, stdout) => {
      resolve(error === null ? stdout : null);
    });
  });
}

/** One line per device: uuid, name, MiB, compute capability. */
export function parseNvidia(output: string): readonly GpuDevice[] {
  return output
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length >= 4)
    .map(([uuid = '', name = '', memory = '', capability = '']) => ({
      vendor: 'NVIDIA',
      model: name,
      device_id: uuid,
      vram_mb: Number.parseInt(memory, 10) || 0,
      features: { cuda_capability: capability },
    }));
}

/** `{"card0": {"Device ID": …, "Card series": …, "VRAM Total Memory (B)": …}}`; names differ between versions. */
export function parseRocm(output: string): readonly GpuDevice[] {
  const cards = parseObject(output);
  return Object.entries(cards)
    .filter(([name]) => name.startsWith('card'))
    .map(([name, card]) => {
      const member = (pattern: RegExp): string | undefined =>
        Object.entries(parseMembers(card)).find(([key]) => pattern.test(key))?.[1];
      return {
        vendor: 'AMD',
        model: member(/card (series|model)/i) ?? 'unknown',
        device_id: member(/device id/i) ?? name,
        vram_mb: Math.round(Number(member(/vram total memory/i) ?? '0') / MEBIBYTE),
        features: { rocm_version: 'unknown' },
      };
    });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function parseMembers(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]));
}
