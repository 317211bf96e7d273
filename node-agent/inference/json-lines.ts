import { StringDecoder } from 'node:string_decoder';

/** No line of Ollama's is nearly as long. */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/**
 * The JSON values of a stream with one in each line, as they come; the last line needs no end. Rejects with what the stream
 * rejects with, and for a line that is no JSON.
 */
export async function* readJsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a line of the reply is too long');
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
