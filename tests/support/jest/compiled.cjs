/** Gives jest the file that bundle.mjs has made of a test file (its `transform`). */
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { join, relative, resolve } = require("node:path");

const compiledFile = (path) => join(process.env.COMPILED_TESTS, `${relative(resolve("tests"), path)}.cjs`);

exports.process = (_, path) => {
  const file = compiledFile(path);
  return { code: readFileSync(file, "utf8"), map: readFileSync(`${file}.map`, "utf8") };
};

exports.getCacheKey = (_, path) =>
  createHash("sha1")
    .update(readFileSync(compiledFile(path)))
    .digest("hex");
