import temml from "temml";

/** Keeps a formula from growing beyond its place: no length in it is larger, in em. */
const largestEm = 20;

/** Puts the formula into the element as MathML. Returns false if the TeX is not valid, and leaves the element empty. */
export function typesetMaths(tex: string, isBlock: boolean, element: HTMLElement): boolean {
  try {
    temml.render(tex, element, {
      displayMode: isBlock,
      throwOnError: true,
      maxSize: [largestEm, largestEm],
    });
  } catch {
    element.replaceChildren();
    return false;
  }
  // `\label` makes an id, which may be that of a field of the page.
  for (const each of element.querySelectorAll("[id]")) each.removeAttribute("id");
  return true;
}
