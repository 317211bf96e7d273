import { z } from 'zod';
import { isFileName, isRelativePath } from './file-names.ts';
import { PATHS } from './paths.ts';

/** Bounds of the files that a job may leave (design §7); those of attachments are in `TASK_LIMITS`. */
export const ARTIFACT_LIMITS = {
  files: 100,
  totalBytes: 100 * 1024 * 1024,
  fileBytes: 50 * 1024 * 1024,
} as const;

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

/** RFC 6838 names, without parameters. */
export const contentTypeSchema = z
  .string()
  .max(127)
  .regex(/^[a-z0-9][\w.+!#$&^-]*\/[a-z0-9][\w.+!#$&^-]*$/i, 'must be a media type');

export const ARTIFACT_KINDS = ['attachment', 'artifact'] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** Reply to an upload: what was stored. */
export const blobSchema = z.object({ sha256: sha256Schema, size_bytes: z.number().int().min(0) });

/** A file that waits for the node in the job document, to be put into `/workspace/attachments`. */
export const jobAttachmentSchema = blobSchema.extend({
  name: z.string().refine(isFileName, 'must be a file name'),
});
export type JobAttachment = z.infer<typeof jobAttachmentSchema>;

/** A file that a job left, uploaded by its attempt. */
export const jobArtifactSchema = blobSchema.extend({
  path: z.string().refine(isRelativePath, 'must be a relative path'),
  content_type: contentTypeSchema,
});
export type JobArtifact = z.infer<typeof jobArtifactSchema>;

/** Why files that a job left did not become artifacts. */
export const SKIP_REASONS = [
  'not_a_regular_file',
  'hard_link',
  'unusable_name',
  'too_large',
  'too_many',
  'total_too_large',
  'unreadable',
  'not_uploaded',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export const skippedArtifactsSchema = z.object({
  reason: z.enum(SKIP_REASONS),
  count: z.number().int().min(1),
  /** Some of them. */
  paths: z.array(z.string().max(1024)).max(10),
});
export type SkippedArtifacts = z.infer<typeof skippedArtifactsSchema>;

/** A file of a task as its owner sees it. An attachment that was given as a bare path has no content. */
export const artifactSchema = z
  .object({
    artifact_id: z.string(),
    kind: z.enum(ARTIFACT_KINDS),
    name: z.string(),
    content_type: z.string().optional(),
    size_bytes: z.number().int().optional(),
    sha256: z.string().optional(),
    created_at: z.string(),
  })
  .meta({ id: 'Artifact' });
export type Artifact = z.infer<typeof artifactSchema>;

export const artifactListSchema = z
  .object({
    task_id: z.string(),
    artifacts: z.array(artifactSchema),
    next_cursor: z.string().optional().meta({ description: 'Empty on the last page.' }),
  })
  .meta({ id: 'ArtifactList' });
export type ArtifactList = z.infer<typeof artifactListSchema>;

/** Where other roles store and read blobs; the control plane owns the store. */
export const BLOBS_PATH = '/v1/internal/blobs';

export function jobAttachmentPath(jobId: string, name: string): string {
  return `${PATHS.nodeJobs}/${jobId}/attachments/${encodeURIComponent(name)}`;
}

export function jobArtifactsPath(jobId: string): string {
  return `${PATHS.nodeJobs}/${jobId}/artifacts`;
}
