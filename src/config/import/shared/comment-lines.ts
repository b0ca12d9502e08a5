/** A line of a comment. `line` is its line number, from 1. */
export interface CommentLine {
  line: number;
  text: string;
  /** True if the comment follows other text in its line. */
  isTrailing: boolean;
}

export interface KeyLine {
  line: number;
  pointer: string;
}

/** In the order of the file. */
export interface Lines {
  comments: readonly CommentLine[];
  keys: readonly KeyLine[];
}

/** Throws ConfigError with the position in the file. */
export type Fail = (message: string, line?: number, column?: number) => never;
