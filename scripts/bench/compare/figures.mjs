/** Returns the rows of one workload: for each contestant its median, and the median of its ratios to `base` in the same round. */
export function rowsOf({ workload, samples }, sizes, base = "bare") {
  const { key, title, rows } = workload;
  return rows.map(({ metric, label, unit, scale = 1, absolute = false, ...held }) => {
    const valuesOf = (name) => (samples[name] ?? []).map((figures) => ({ ...figures, ...sizes[name] })[metric]);
    const compared = valuesOf(base);
    const figures = Object.keys(samples).flatMap((name) => {
      const values = valuesOf(name).filter((value) => value !== undefined);
      if (values.length === 0) return [];
      const ratio =
        absolute || compared.length === 0 ? undefined : median(values.map((value, round) => value / compared[round]));
      return [[name, { value: median(values) * scale, ratio }]];
    });
    const sqliteOverMemory = samples["ours-sqlite"]?.length ? overMemory(samples, metric) : undefined;
    return {
      key,
      title,
      label,
      unit,
      absolute,
      // Gates and aims are defined for ratios to `bare` only.
      ...(base === "bare" ? held : {}),
      rounds: compared.length,
      sqliteOverMemory,
      figures: Object.fromEntries(figures),
    };
  });
}

function overMemory(samples, metric) {
  const memory = samples.ours ?? [];
  if (memory.length === 0) return undefined;
  return median(samples["ours-sqlite"].map((figures, round) => figures[metric] / memory[round][metric]));
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
