/**
 * A page of events ends when the events after its first one have this many characters of JSON, so that large events do not fill the memory.
 * The first event does not count. So a reader that begins with the last event it knows always gets the next event, too.
 */
export const mostCharactersInPage = 1024 * 1024;

/** Returns the first of these items that fit into a page. */
export function onePage<Item>(items: Iterable<Item>, charactersIn: (item: Item) => number): Item[] {
  const page: Item[] = [];
  let characters = 0;
  for (const item of items) {
    if (page.push(item) > 1) characters += charactersIn(item);
    if (characters >= mostCharactersInPage) break;
  }
  return page;
}
