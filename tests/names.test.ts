import { expect, test } from "@jest/globals";
import { namesWithTwoIdeas } from "../scripts/names.js";

test("no two exported names and no two files of src/ share a name, unless they are one idea", () => {
  expect(namesWithTwoIdeas()).toEqual([]);
});
