import type { BlobStore } from '../../../platform/blobs/blob-store.ts';
import type { TurnAttachment } from '../../../schema/turns/begin.ts';

/**
 * The attachments of a prompt as text, as far as they are text and fit into so many characters, each with its name; those
 * that are left out are named with the reason, so that the model does not make up what is in them.
 */
export async function readAttachmentTexts(
  blobs: Pick<BlobStore, 'open'>,
  attachments: readonly TurnAttachment[],
  characters: number,
): Promise<string> {
  const parts: string[] = [];
  let left = characters;
  for (const attachment of attachments) {
    const text = attachment.sizeBytes > left * 4 ? 'too large' : await readText(blobs, attachment);
    const fits = typeof text === 'string' || text.content.length <= left;
    if (typeof text !== 'string' && fits) {
      left -= text.content.length;
      parts.push(`Attachment ${attachment.path}:\n${text.content}`);
    } else {
      const reason = typeof text === 'string' ? text : 'too large';
      parts.push(`Attachment ${attachment.path} is not shown: it is ${reason}.`);
    }
  }
  return parts.join('\n\n');
}

async function readText(
  blobs: Pick<BlobStore, 'open'>,
  { sha256 }: TurnAttachment,
): Promise<{ readonly content: string } | 'not text' | 'gone'> {
  const blob = await blobs.open(sha256);
  if (blob === null) return 'gone';
  const chunks: Buffer[] = [];
  for await (const chunk of blob.content) chunks.push(Buffer.from(chunk as Uint8Array)); // a blob gives bytes
  try {
    const content = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return content.includes('\0') ? 'not text' : { content };
  } catch {
    return 'not text';
  }
}
