import type { Artifact } from '../../../contracts/artifacts.ts';
import { downloadArtifact, findArtifact, listArtifacts } from '../../api/artifacts.ts';
import type { PageQuery } from '../../api/nodes.ts';
import type { Context } from '../../context.ts';
import { CliError, EXIT } from '../../errors.ts';
import { fieldLine, toText } from '../../render/fields.ts';
import { withoutEmptyCursor } from '../../render/page.ts';
import { refuseExisting, saveFile, verified } from '../../save-file.ts';

/** `task artifacts list` */
export async function list(context: Context, task: string, page: PageQuery): Promise<void> {
  const { out } = context;
  const reply = await listArtifacts(context, task, page);
  await out.result(withoutEmptyCursor(reply), () => toText(reply.artifacts.map(artifactLine)));
  if (reply.next_cursor && out.format === 'table') {
    await out.talk(`More with --cursor ${reply.next_cursor}`);
  }
}

function artifactLine({ artifact_id, kind, name, content_type, size_bytes }: Artifact): string {
  return fieldLine({ artifact_id, kind, name, content_type, size_bytes });
}

export interface GetOptions {
  readonly out: string;
  readonly force?: true | undefined;
}

/** `task artifacts get`: the file is at its place only when all of it has come and is what it should be. */
export async function get(
  context: Context,
  task: string,
  idOrName: string,
  { out: path, force }: GetOptions,
): Promise<void> {
  const { out } = context;
  const replace = force === true;
  if (path !== '-' && !replace) await refuseExisting(path);
  const artifact = await withContent(context, task, idOrName);
  if (path === '-') return print(context, task, artifact);
  await downloadArtifact(context, task, artifact.artifact_id, {
    sink: (content) => saveFile(path, replace, verified(content, artifact)),
    repeatable: true,
  });
  await out.result({ saved: true, path }, () => `${fieldLine({ saved: true, path })}\n`);
}

async function print(context: Context, task: string, artifact: Artifact): Promise<void> {
  const sink = async (content: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of verified(content, artifact)) await context.out.bytes(chunk);
  };
  await downloadArtifact(context, task, artifact.artifact_id, { sink, repeatable: false });
}

async function withContent(context: Context, task: string, idOrName: string): Promise<Artifact> {
  const artifact = await findArtifact(context, task, idOrName);
  if (artifact === undefined) {
    throw new CliError(EXIT.notFound, `the task has no file ${idOrName}`, {
      hint: `\`cynork task artifacts list ${task}\` shows what it has.`,
    });
  }
  if (artifact.sha256 === undefined) {
    throw new CliError(EXIT.notFound, `${artifact.name} was given as a bare path; it has no content`);
  }
  return artifact;
}
