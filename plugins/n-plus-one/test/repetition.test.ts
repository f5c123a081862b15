import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, Repetitions, withoutValues } from "../src/repetition";

const settings = parse('{"repeats": 3, "total_ms": 10}');

function worst(...children: [parent: number, operation: string, ms: number][]) {
  const repetitions = new Repetitions(settings);
  for (const [parent, operation, ms] of children) {
    repetitions.add(parent, "shop", operation, ms);
  }
  return repetitions.worst();
}

test("a query in a loop is found whatever its values", () => {
  const found = worst(
    [0, "SELECT * FROM item WHERE id = 1", 5],
    [0, "SELECT * FROM item WHERE id = 2", 5],
    [0, "SELECT * FROM item WHERE id = 'x''y'", 5],
  );
  assert.deepEqual(found, { service: "shop", operation: "SELECT * FROM item WHERE id = ?", count: 3, totalMs: 15 });
});

test("children of several parents do not add up", () => {
  assert.equal(worst([0, "a", 50], [0, "a", 50], [1, "a", 50]), undefined);
});

test("what takes no time does no harm", () => {
  assert.equal(worst([0, "a", 3], [0, "a", 3], [0, "a", 3]), undefined);
});

test("of several the one that takes longest is told", () => {
  const short = [0, "a", 5] as [number, string, number];
  const long = [0, "b", 6] as [number, string, number];
  assert.equal(worst(short, long, short, long, short, long)?.operation, "b");
});

test("lists and identifiers are values", () => {
  assert.equal(withoutValues("x IN (1, 2,3)  AND y = 4.5"), "x IN (?) AND y = ?");
  assert.equal(withoutValues("GET /users/5b8efff7-9803-8103-d269-b633813fc60c"), "GET /users/?");
  assert.equal(withoutValues("SELECT a1 FROM t2"), "SELECT a1 FROM t2");
});

test("without a config the defaults hold", () => {
  assert.equal(parse("null").repeats, 10);
});

test("settings that make no sense are refused by name", () => {
  for (const [wrong, named] of [
    ['{"repeat": 3}', "repeat"],
    ['{"repeats": "3"}', "repeats"],
    ['{"repeats": 1}', "repeats"],
    ['{"kinds": ["database"]}', "database"],
    ['{"attributes": "x"}', "attributes"],
    ["[1]", "write config: {repeats: 10}"],
    ["5", "write config: {repeats: 10}"],
  ] as [string, string][]) {
    assert.throws(() => parse(wrong), (error) => String(error).includes(named), wrong);
  }
});
