import { expect, test } from "bun:test";
import { testEnvironment } from "./command.ts";

test("settings of the person who runs the tests do not reach them", () => {
  const env = {
    PATH: "/bin",
    PORT: "1",
    HOST: "x",
    NODE_ENV: "production",
    PINHOLE_QUEUE_CAPACITY: "1",
    PINHOLE_TEST_X: "y",
  };
  expect(testEnvironment(env)).toEqual({ PATH: "/bin", PINHOLE_TEST_X: "y" });
});
