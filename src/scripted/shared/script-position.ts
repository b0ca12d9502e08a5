/** A line in a file of a scripted session. */
export interface ScriptPosition {
  /** Name of the file as it is shown to people. */
  file: string;
  line: number;
}

/** Formats a position, such as `triage.session.yaml:12`. Without a line, the result is only the file name. */
export function positionText({ file, line }: ScriptPosition): string {
  return line > 0 ? `${file}:${line}` : file;
}
