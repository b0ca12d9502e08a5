/** Time for which the data of a download is kept, in ms. The browser must begin the download within this time. */
const keptMs = 10_000;

/** Has the browser save the data as a file. */
export function saveFile(name: string, data: Blob): void {
  const url = URL.createObjectURL(data);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), keptMs);
}
