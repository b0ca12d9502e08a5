/** A line of a file of a scripted session. */
export interface ScriptPosition {
  /** Name of the file as it is shown to people. */
  file: string;
  line: number;
}

/** Returns a place as text, such as `triage.session.yaml:12`. Returns only the file if there is no line. */
export function placeText({ file, line }: ScriptPosition): string {
  return line > 0 ? `${file}:${line}` : file;
}
