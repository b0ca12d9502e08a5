/** Maximum length of a Markdown text that the lexer may read. The lexer takes quadratic time for some inputs and recurses deeply for others. */
const maxLength = 20_000;
/**
 * Maximum number of emphasis marks in a text. The lexer took 17 s for 10,000 marks in 20,000 characters. A list of 150 items, each with
 * bold text, code and a link, has only 2,300 marks.
 */
const mostMarks = 3_000;

/**
 * Matches a line that opens more than 100 quotations and lists inside each other. The renderer of the page recurses into them, and overflowed its
 * stack at 3,000. Does not match a thematic break such as `- - -`.
 */
const deeplyNested = /^(?![-* \t]*$)(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){101}/m;

/** Returns true if the lexer can read the Markdown in a short time, and it is not nested too deeply. Other texts are shown as they are written. */
export function isReadableMarkdown(text: string): boolean {
  const marks = text.match(/[*_~>[<`]/g)?.length ?? 0;
  return text.length <= maxLength && marks <= mostMarks && !deeplyNested.test(text);
}
