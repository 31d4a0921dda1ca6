// Opens the documentation page in Chromium, looks at the operations, tries the login with the example user, and prints
// what happened as JSON. Nothing is asserted here: the test that started it does.
//
// node browse.mjs CHROMIUM URL DIALECT OPERATION BODY [SCREENSHOT]
import puppeteer from "puppeteer-core";

const [chromium, url, dialect, operation, body, screenshot] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
});
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 1600 });
  const asked = [];
  const said = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  page.on("pageerror", (error) => said.push(String(error)));
  await page.evaluateOnNewDocument(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      globalThis.violations.push(`${violatedDirective} ${blockedURI}`);
    });
  });
  await page.goto(`${url}/docs#${dialect}`, { waitUntil: "networkidle0", timeout: 20000 });
  const block = await page.waitForSelector(`#operations-${dialect}-${operation}`, { timeout: 20000 });
  const operations = await page.$$eval(".opblock-summary", (all) =>
    all.map((each) => `${each.querySelector(".opblock-summary-method").textContent} ` +
      each.querySelector(".opblock-summary-path").textContent.replaceAll("\u200b", "")));
  const choices = await page.$$eval("#dialect option", (all) => all.map((each) => each.value));
  await (await block.waitForSelector(".opblock-summary-control")).click();
  const text = await block.waitForSelector("textarea.body-param__text", { timeout: 10000 });
  const example = await text.evaluate((each) => each.value);
  await text.evaluate((each, value) => {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(each, value);
    each.dispatchEvent(new Event("input", { bubbles: true }));
    each.dispatchEvent(new Event("change", { bubbles: true }));
  }, body);
  await (await block.waitForSelector("button.execute")).click();
  const live = await block.waitForSelector(".live-responses-table .response", { timeout: 15000 });
  const status = await live.$eval(".response-col_status", (each) => each.textContent.trim());
  const answer = await live.$eval(".response-col_description pre", (each) => each.textContent);
  if (screenshot) await page.screenshot({ path: screenshot });
  // Another dialect, by the chooser.
  const other = choices.find((name) => name !== dialect);
  await page.select("#dialect", other);
  await page.waitForFunction((name) => document.querySelector(`[id^="operations-${name}-"]`), { timeout: 20000 }, other);
  // On a telephone nothing is wider than the window.
  await page.setViewport({ width: 360, height: 800 });
  const wide = await page.evaluate(() => [...document.querySelectorAll("header, header *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.id || each.tagName));
  const background = async (scheme) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.waitForFunction((dark) => document.documentElement.classList.contains("dark-mode") === dark,
      { timeout: 5000 }, scheme === "dark");
    return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  };
  const backgrounds = [await background("light"), await background("dark")];
  const violations = await page.evaluate(() => globalThis.violations);
  console.log(JSON.stringify({ operations, choices, example, status, answer, asked, said, wide, backgrounds, violations }));
} finally {
  await browser.close();
}
