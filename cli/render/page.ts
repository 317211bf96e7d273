/** A page as scripts expect it: no `next_cursor` member on the last page (contract §17.2, §21 no. 3). */
export function withoutEmptyCursor<T extends { next_cursor?: string | undefined }>(page: T): T {
  return page.next_cursor === '' ? { ...page, next_cursor: undefined } : page;
}
