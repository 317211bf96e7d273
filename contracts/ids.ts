import { z } from 'zod';

/** Lower-case UUID (contract §2). */
export const uuidSchema = z.uuid().toLowerCase();

/** Node slug: equals `node.id` of the node YAML; part of queue names and labels. */
export const nodeSlugSchema = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be lower-case letters, digits and inner dashes, at most 63',
  );

/** RFC 3339 text, UTC, second precision, as every time on the wire (contract §2). */
export function rfc3339(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
