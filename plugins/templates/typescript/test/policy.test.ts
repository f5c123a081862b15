import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, parse } from "../src/policy";

const settings = parse('{"min_services": 4, "min_services_of_errors": 2}');

test("wide traces are kept", () => {
  assert.equal(decide(settings, 4, false), "sample");
  assert.equal(decide(settings, 3, false), "abstain");
});

test("failed traces need fewer services", () => {
  assert.equal(decide(settings, 2, true), "sample");
  assert.equal(decide(settings, 1, true), "abstain");
});

test("settings that make no sense are refused", () => {
  for (const wrong of ["null", "{}", '{"min_services": 1}', '{"min_service": 4}', "{"]) {
    assert.throws(() => parse(wrong), undefined, wrong);
  }
});

test("what is no mapping is told what is right", () => {
  for (const wrong of ["null", "[5]", "5", '"x"']) {
    assert.throws(() => parse(wrong), (error) => String(error).includes("write config: {min_services: 4}"), wrong);
  }
});
