import type { Artifact, ArtifactList } from '../../../contracts/artifacts.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { baseName } from '../../../contracts/file-names.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import type { OpenBlob } from '../../../platform/blobs/blob-store.ts';
import type { Database } from '../../../schema/database.ts';
import { findArtifact, listArtifacts } from '../../../schema/tasks/artifacts.ts';
import type { ArtifactRow } from '../../../schema/tasks/artifacts.ts';
import type { UserApiDeps } from '../deps.ts';
import { cutPage } from '../routes/page-query.ts';
import type { PageQuery } from '../routes/page-query.ts';

/** A page of a task's files. */
export async function listArtifactPage(
  db: Database,
  taskId: string,
  { limit, cursor }: PageQuery,
): Promise<ArtifactList> {
  const rows = await listArtifacts(db, taskId, { afterId: cursor, limit: limit + 1 });
  const { page, nextCursor } = cutPage(rows, limit, ({ id }) => id);
  return { task_id: taskId, artifacts: page.map(viewArtifact), next_cursor: nextCursor };
}

function viewArtifact(row: ArtifactRow): Artifact {
  return {
    artifact_id: row.id,
    kind: row.kind,
    name: row.path,
    ...(row.content_type === null ? {} : { content_type: row.content_type }),
    ...(row.size_bytes === null ? {} : { size_bytes: row.size_bytes }),
    ...(row.storage_ref === null ? {} : { sha256: row.storage_ref }),
    created_at: rfc3339(row.created_at),
  };
}

/**
 * A file of the task with its content.
 * @throws CynodeError `not_found`, also for a bare path · `gone` when the store has lost the content · `unavailable`
 */
export async function openArtifact(
  { db, blobs }: Pick<UserApiDeps, 'db' | 'blobs'>,
  taskId: string,
  artifactId: string,
): Promise<{ readonly row: ArtifactRow; readonly blob: OpenBlob }> {
  const row = await findArtifact(db, taskId, artifactId);
  if (row.storage_ref === null) {
    throw new CynodeError('not_found', 'This attachment was given as a bare path; it has no content');
  }
  const blob = await blobs.open(row.storage_ref);
  if (blob === null || blob.sizeBytes !== row.size_bytes) {
    blob?.content.destroy();
    throw new CynodeError('gone', `The content of ${row.path} is not in the blob store any more`);
  }
  return { row, blob };
}

/** Headers of a download. The content is somebody's, so a browser must neither show nor guess it. */
export function artifactHeaders(row: ArtifactRow): Record<string, string> {
  return {
    'content-type': row.content_type ?? 'application/octet-stream',
    'content-disposition': contentDisposition(baseName(row.path)),
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    etag: `"${row.storage_ref ?? ''}"`,
  };
}

/** RFC 6266: an ASCII name for all, and the true one in UTF-8. */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\w. +-]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
