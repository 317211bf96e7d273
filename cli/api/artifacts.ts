import { artifactListSchema, type Artifact, type ArtifactList } from '../../contracts/artifacts.ts';
import { TASK_LIMITS } from '../../contracts/task-values.ts';
import type { Context } from '../context.ts';
import { read, sendRepeatable } from './call.ts';
import type { PageQuery } from './nodes.ts';
import { taskPath } from './tasks.ts';

type Sink = (content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Files of a task, given by id or name: its attachments, and what its jobs left. */
export function listArtifacts(context: Context, task: string, page: PageQuery): Promise<ArtifactList> {
  const { limit, cursor } = page;
  return read(context, artifactListSchema, { path: `${taskPath(task)}/artifacts`, query: { limit, cursor } });
}

/** The file of that id or, among those with the name, the one that a job left; undefined when there is none. */
export async function findArtifact(
  context: Context,
  task: string,
  idOrName: string,
): Promise<Artifact | undefined> {
  let cursor: string | undefined;
  do {
    const page = await listArtifacts(context, task, {
      limit: TASK_LIMITS.listMax,
      ...(cursor && { cursor }),
    });
    const found = page.artifacts.find(
      ({ artifact_id, name }) => idOrName === artifact_id || idOrName === name,
    );
    if (found) return found;
    cursor = page.next_cursor;
  } while (cursor !== undefined && cursor !== '');
  return undefined;
}

/** Hands the content to `sink`, which is called anew when the connection breaks and `repeatable` is set. */
export async function downloadArtifact(
  context: Context,
  task: string,
  artifactId: string,
  { sink, repeatable }: { readonly sink: Sink; readonly repeatable: boolean },
): Promise<void> {
  const path = `${taskPath(task)}/artifacts/${encodeURIComponent(artifactId)}`;
  const request = { method: 'GET', path, sink } as const;
  if (repeatable) await sendRepeatable(context, request);
  else await (await context.session()).send(request);
}
