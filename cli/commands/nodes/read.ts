import { getNode, listNodes, type PageQuery } from '../../api/nodes.ts';
import type { Context } from '../../context.ts';
import { toText } from '../../render/fields.ts';
import { nodeDetailLines, nodeLine } from '../../render/nodes.ts';
import { withoutEmptyCursor } from '../../render/page.ts';

/** `nodes list` */
export async function listAll(context: Context, query: PageQuery): Promise<void> {
  const list = withoutEmptyCursor(await listNodes(context, query));
  await context.out.result(list, () => toText(list.nodes.map(nodeLine)));
  if (list.nodes.length === 0) await context.out.talk('No node has registered.');
  if (list.next_cursor !== undefined) await context.out.talk(`More with --cursor ${list.next_cursor}`);
}

/** `nodes get` */
export async function showOne(context: Context, id: string): Promise<void> {
  const node = await getNode(context, id);
  await context.out.result(node, () => toText(nodeDetailLines(node)));
}
