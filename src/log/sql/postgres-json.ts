const raw = String.raw;

/**
 * Returns SQL that converts a text with JSON to the type `json`. PostgreSQL rejects the escapes of NUL and of lone surrogates, although
 * they are valid JSON. The SQL replaces them by U+FFFD. The replacement changes nothing that users see. Only surrogates need a regular
 * expression: with it, a message of 10 MB with many NULs took longer than a statement may.
 */
export const jsonOf = (text: string) => {
  const withoutNul = raw`replace(${text}, '\u0000', '\ufffd')`;
  const withoutBoth = raw`regexp_replace(${withoutNul}, '\\ud[89a-f][0-9a-f]{2}', '\\ufffd', 'g')`;
  return raw`(CASE WHEN strpos(${text}, '\ud') > 0 THEN ${withoutBoth} ELSE ${withoutNul} END)::json`;
};
