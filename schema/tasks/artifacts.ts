import { sql } from 'kysely';
import type { ArtifactKind } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database } from '../database.ts';

export interface ArtifactRow {
  readonly id: string;
  readonly kind: ArtifactKind;
  readonly path: string;
  /** SHA-256 of the content, as are the two below null for a bare path. */
  readonly storage_ref: string | null;
  readonly size_bytes: number | null;
  readonly content_type: string | null;
  readonly created_at: Date;
}

const COLUMNS = sql`id, kind, path, storage_ref, size_bytes::float8 as size_bytes, content_type, created_at`;

/** Files of a task in order of kind and path, after the one with the id `afterId` (empty: from the start). */
export async function listArtifacts(
  db: Database,
  taskId: string,
  page: { readonly afterId: string; readonly limit: number },
): Promise<readonly ArtifactRow[]> {
  const after =
    page.afterId === ''
      ? sql``
      : sql`and (kind, path collate "C") >
          (select kind, path collate "C" from task_artifacts where id = ${page.afterId}::uuid and task_id = ${taskId})`;
  const { rows } = await sql<ArtifactRow>`
    select ${COLUMNS} from task_artifacts where task_id = ${taskId} ${after}
    order by kind, path collate "C" limit ${page.limit}
  `.execute(db);
  return rows;
}

/** @throws CynodeError `not_found` */
export async function findArtifact(db: Database, taskId: string, artifactId: string): Promise<ArtifactRow> {
  const { rows } = await sql<ArtifactRow>`
    select ${COLUMNS} from task_artifacts where task_id = ${taskId} and id = ${artifactId}::uuid
  `.execute(db);
  const [row] = rows;
  if (row === undefined) {
    throw new CynodeError(
      'not_found',
      'The task has no file of that id; `cynork task artifacts list` shows what it has',
    );
  }
  return row;
}
