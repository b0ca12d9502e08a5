/** A line of a comment. `line` is the number of the line in the file, counted from 1. */
export interface CommentLine {
  line: number;
  text: string;
  /** True if the same line has other text before the comment. */
  isTrailing: boolean;
}

export interface KeyLine {
  line: number;
  pointer: string;
}

/** Comments and keys of a file, with their lines, in the order of the file. */
export interface Lines {
  comments: readonly CommentLine[];
  keys: readonly KeyLine[];
}

/** Function that throws ConfigError for a position in the file. */
export type Fail = (message: string, line?: number, column?: number) => never;
