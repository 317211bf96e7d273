import { basename } from 'node:path';
import { isFileName } from '../../../contracts/file-names.ts';
import { TASK_LIMITS, type InputMode } from '../../../contracts/task-values.ts';
import { usageError } from '../../errors.ts';
import { openRegular, tooLarge } from '../../files.ts';
import type { InputStream } from '../../io.ts';
import type { FormFile } from '../../multipart.ts';
import { readAll } from '../../prompt.ts';

const KIB = 1024;

/** Client limits of contract §17.2, in bytes. */
export const FILE_LIMITS = {
  taskFile: 1024 * KIB,
  script: 256 * KIB,
  commandsFile: 64 * KIB,
} as const;

/** The input options of `task create`, as given. */
export interface InputOptions {
  readonly task?: string | undefined;
  readonly prompt?: string | undefined;
  readonly taskFile?: string | undefined;
  readonly script?: string | undefined;
  readonly command?: readonly string[] | undefined;
  readonly commandsFile?: string | undefined;
  readonly inputMode?: InputMode | undefined;
}

export interface TaskInput {
  readonly prompt: string;
  readonly mode: InputMode;
}

/** The task's text and how it is meant; a usage error unless exactly one kind of input is given. */
export async function readInput(options: InputOptions, stdin: InputStream): Promise<TaskInput> {
  const { task, prompt, taskFile, script, command, commandsFile, inputMode = 'prompt' } = options;
  const given = [task, prompt, taskFile, script, command, commandsFile].filter(
    (value) => value !== undefined,
  );
  if (given.length !== 1) throw oneInput(given.length);
  if (taskFile !== undefined) return textInput(taskFile, FILE_LIMITS.taskFile, inputMode, stdin);
  if (script !== undefined) return textInput(script, FILE_LIMITS.script, 'script', stdin);
  if (commandsFile !== undefined) return textInput(commandsFile, FILE_LIMITS.commandsFile, 'commands', stdin);
  if (command !== undefined) return notEmpty(command.join('\n'), 'commands', 'the command');
  return notEmpty(task ?? prompt ?? '', inputMode, 'the task');
}

/** The attachments, checked: regular files within the limits, each of a name of its own. */
export async function checkAttachments(paths: readonly string[]): Promise<FormFile[]> {
  if (paths.length > TASK_LIMITS.attachments) {
    throw usageError(
      `${paths.length} attachments are too many`,
      `At most ${TASK_LIMITS.attachments} are allowed.`,
    );
  }
  const files: FormFile[] = [];
  for (const path of paths) {
    const name = basename(path);
    if (!isFileName(name))
      throw usageError(`${path} has a name that an attachment cannot have`, 'Rename it.');
    if (files.some((file) => file.name === name)) {
      throw usageError(`two attachments are named ${name}`, 'The job finds them by name: rename one.');
    }
    await using file = await openRegular(path, TASK_LIMITS.attachmentBytes);
    files.push({ name, path, sizeBytes: (await file.stat()).size });
  }
  return files;
}

function oneInput(count: number): Error {
  const what = count === 0 ? 'no input given' : 'more than one kind of input given';
  return usageError(what, 'Use one of --task, --task-file, --script, --command, --commands-file.');
}

async function textInput(
  path: string,
  maxBytes: number,
  mode: InputMode,
  stdin: InputStream,
): Promise<TaskInput> {
  const bytes = path === '-' ? await readAll(stdin, maxBytes, 'stdin') : await readRegular(path, maxBytes);
  return notEmpty(decode(bytes, path), mode, path);
}

function notEmpty(prompt: string, mode: InputMode, what: string): TaskInput {
  if (prompt.trim() === '') throw usageError(`${what} is empty`);
  return { prompt, mode };
}

function decode(bytes: Buffer, path: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Told below, as for a NUL: it is not a text.
  }
  throw usageError(`${path} is not a UTF-8 text`);
}

/** Reads no further than the limit: a file may grow, and those of `/proc` claim to be empty. */
async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  await using file = await openRegular(path, maxBytes);
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let sizeBytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, sizeBytes);
    if (bytesRead === 0) return buffer.subarray(0, sizeBytes);
    sizeBytes += bytesRead;
    if (sizeBytes > maxBytes) throw tooLarge(path, maxBytes);
  }
}
