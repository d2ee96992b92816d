// A person at a browser: Chromium with a profile of its own, driven through WebDriver.
//
//     const browser = await openBrowser();
//     await browser.open(`${server.origin}/device`);
//     await browser.type('user_code', 'WDJB-MJHT');
//     await browser.press('Continue');
//     await browser.sees('Sign in to continue');
//     await browser.close();
//
// Nothing sleeps: every wait has a condition and a bound.

import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Browser as Browsers, Builder, By, error, Key, logging, until } from 'selenium-webdriver';
import { Options, ServiceBuilder } from 'selenium-webdriver/chrome.js';
import { chromedriver, chromium } from './config.mjs';
import { temporaryDirectory, within } from './harness.mjs';

const LIMIT = 10_000;

/** What the console says of every page with a status of 4xx. */
const STATUS = / - Failed to load resource: the server responded with a status of 4\d\d /;

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  '--window-size=1280,900',
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How a page is looked at: the two widths of the screenshots, and the narrowest that WCAG 1.4.10 asks for. */
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };
const DESKTOP = { width: 1280, height: 900, deviceScaleFactor: 1, mobile: false };
const NARROWEST = { width: 320, height: 568, deviceScaleFactor: 1, mobile: true };

/**
 * A browser with an empty profile.
 *
 * @param {object} [options]
 * @param {boolean} [options.javascript] false switches scripts off, as a careful person's settings would
 */
export async function openBrowser({ javascript = true } = {}) {
  const profile = temporaryDirectory();
  const log = new logging.Preferences();
  log.setLevel(logging.Type.BROWSER, logging.Level.ALL);
  const options = new Options();
  options.setBinaryPath(chromium());
  options.addArguments(...ARGUMENTS, `--user-data-dir=${profile.path}`);
  options.setLoggingPrefs(log);
  if (!javascript) options.setUserPreferences({ 'profile.managed_default_content_settings.javascript': 2 });
  const driver = await new Builder()
    .forBrowser(Browsers.CHROME)
    .setChromeOptions(options)
    .setChromeService(new ServiceBuilder(chromedriver()))
    .build();
  await driver.manage().setTimeouts({ pageLoad: LIMIT, script: LIMIT });
  const end = endsWithUs(profile.path);
  return new Browser(driver, () => {
    end.forget();
    profile.remove();
  });
}

/** Sees to it that a browser does not outlive the tests: it would, if its driver went first. */
function endsWithUs(profile) {
  // The lock names the process: `host-pid`.
  const pid = Number(readlinkSync(join(profile, 'SingletonLock')).split('-').at(-1));
  const end = () => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has gone already.
    }
    // Its helpers follow it, and write until they do.
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  process.prependListener('exit', end);
  return { forget: () => process.off('exit', end) };
}

class Browser {
  #driver;
  #closed;

  constructor(driver, closed) {
    this.#driver = driver;
    this.#closed = closed;
  }

  async close() {
    await within(LIMIT, this.#driver.quit(), 'the browser did not close');
    this.#closed();
  }

  /** As after closing all windows and opening one: no session cookie is left. */
  async restart() {
    const [first, ...others] = await this.windows();
    for (const other of others) {
      await this.switchTo(other);
      await this.#driver.close();
    }
    await this.switchTo(first);
    await this.#driver.get('about:blank');
    await this.#driver.sendDevToolsCommand('Network.clearBrowserCookies');
    await this.complaints();
  }

  open(url) {
    return this.#driver.get(url);
  }

  back() {
    return this.#driver.navigate().back();
  }

  /** What the reload button does; a form that was sent is sent again. */
  reload() {
    return this.leaving(() => this.#driver.navigate().refresh());
  }

  address() {
    return this.#driver.getCurrentUrl();
  }

  title() {
    return this.#driver.getTitle();
  }

  /** All that can be read on the page. */
  text() {
    return this.#driver.findElement(By.css('body')).getText();
  }

  /** Waits until a page with this heading is shown, and gives its text. */
  async sees(heading) {
    let last;
    const shown = async () => {
      last = await this.#heading();
      return last === heading;
    };
    await this.#driver.wait(shown, LIMIT).catch(async (cause) => {
      throw new Error(`expected the page “${heading}”, but it is “${last}” at ${await this.address()}`, { cause });
    });
    return this.text();
  }

  /** Undefined without one, or between two pages. */
  async #heading() {
    const [heading] = await this.#driver.findElements(By.css('h1'));
    return heading?.getText().catch(undefinedIfGone);
  }

  /** The text of the message above a form. */
  problem() {
    return this.#driver.findElement(By.id('problem')).getText();
  }

  field(name) {
    return this.#driver.findElement(By.name(name));
  }

  async has(name) {
    return (await this.#driver.findElements(By.name(name))).length > 0;
  }

  async type(name, text) {
    const field = await this.field(name);
    await field.clear();
    await field.sendKeys(text);
  }

  value(name) {
    return this.field(name).getProperty('value');
  }

  async tick(name) {
    await this.field(name).click();
  }

  /** Presses a button or a link, and waits until its page has gone. */
  press(label) {
    return this.leaving(() => this.click(label));
  }

  /** Presses a button or a link that may lead nowhere. */
  async click(label) {
    const text = `normalize-space() = ${JSON.stringify(label)}`;
    await this.#driver.findElement(By.xpath(`//button[${text}] | //a[${text}]`)).click();
  }

  /** Does something that leads to another page, and waits until the present one has gone. */
  async leaving(action) {
    const page = await this.#driver.findElement(By.css('html'));
    await action();
    const gone = async () => (await page.getTagName().catch(undefinedIfGone)) === undefined;
    await this.#driver.wait(gone, LIMIT, 'the page stayed');
  }

  /** Types on the keyboard, wherever the focus is. */
  keys(...keys) {
    return this.#driver.actions().sendKeys(...keys).perform();
  }

  /** Presses Tab until the focus is where `matches` says; every stop on the way must be visible. */
  async tabTo(matches) {
    const stops = [];
    while (stops.length < 20) {
      await this.keys(Key.TAB);
      const stop = await this.focus();
      if (!stop.visible) throw new Error(`the focus cannot be seen on ${stop.label}`);
      stops.push(stop.label);
      if (matches(stop)) return stops;
    }
    throw new Error(`not reached by Tab; the stops were: ${stops.join(', ')}`);
  }

  /** Where the focus is, and whether a person can see that. */
  focus() {
    return this.run(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom, width, height } = element.getBoundingClientRect();
      const ring = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      const within = top >= 0 && bottom <= innerHeight && width > 0 && height > 0;
      return {
        name: element.name,
        value: element.value,
        label: element.name ? `${element.name}=${element.value}` : element.textContent.trim(),
        visible: ring && within && element.matches(':focus-visible'),
      };
    });
  }

  /** Runs a function in the page. */
  run(script, ...values) {
    return this.#driver.executeScript(script, ...values);
  }

  /** The HTTP status with which the page was answered. */
  status() {
    return this.run(() => performance.getEntriesByType('navigation')[0].responseStatus);
  }

  cookies() {
    return this.#driver.manage().getCookies();
  }

  async setCookie({ name, value }) {
    await this.#driver.manage().deleteCookie(name);
    await this.#driver.manage().addCookie({ name, value, httpOnly: true, sameSite: 'Lax' });
  }

  windows() {
    return this.#driver.getAllWindowHandles();
  }

  window() {
    return this.#driver.getWindowHandle();
  }

  /** Opens another window of the same browser, and looks at it. */
  openWindow() {
    return this.#driver.switchTo().newWindow('window');
  }

  switchTo(window) {
    return this.#driver.switchTo().window(window);
  }

  /** Waits for the page's frame to be answered, and gives what of a form of ours is in it. */
  async frame() {
    await this.#driver.wait(until.ableToSwitchToFrame(By.css('iframe')), LIMIT);
    const forms = await this.#driver.findElements(By.css('form, input'));
    await this.#driver.switchTo().defaultContent();
    return forms;
  }

  /** What the browser itself complained about since the last call, but for the statuses of pages, which tests check. */
  async complaints() {
    const entries = await this.#driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ message }) => message).filter((message) => !STATUS.test(message));
  }

  /**
   * Looks at the page as it is on a phone and on a desktop, in light and in dark: keeps a picture of each in `folder`,
   * and gives what axe finds wrong with it, and whether it has to be scrolled sideways.
   */
  async inspect(folder, name) {
    mkdirSync(folder, { recursive: true });
    const faults = [];
    for (const [scheme, size, label] of [
      ['light', PHONE, 'phone'],
      ['dark', PHONE, 'phone-dark'],
      ['light', DESKTOP, 'desktop'],
      ['dark', DESKTOP, 'desktop-dark'],
      ['light', NARROWEST, undefined],
    ]) {
      await this.#emulate(size, scheme);
      if (label) {
        writeFileSync(join(folder, `${name}-${label}.png`), await this.#picture());
        faults.push(...(await this.#violations()).map((fault) => `${name}, ${label}: ${fault}`));
      }
      const wide = await this.run(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${name}: ${wide} px too wide at ${size.width} px`);
    }
    await this.#driver.sendDevToolsCommand('Emulation.clearDeviceMetricsOverride');
    await this.#driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features: [] });
    return faults;
  }

  /** Without motion, so that no colour is caught on its way to another. */
  async #emulate(size, scheme) {
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ];
    await this.#driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features });
    await this.#driver.sendDevToolsCommand('Emulation.setDeviceMetricsOverride', size);
  }

  async #violations() {
    if (!(await this.run(() => 'axe' in window))) await this.run(axe);
    return this.run(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
    });
  }

  /** All of the page, not only what is in view. */
  async #picture() {
    const { cssContentSize } = await this.#driver.sendAndGetDevToolsCommand('Page.getLayoutMetrics', {});
    const clip = { ...cssContentSize, scale: 1 };
    const all = { format: 'png', captureBeyondViewport: true, clip };
    const { data } = await this.#driver.sendAndGetDevToolsCommand('Page.captureScreenshot', all);
    return Buffer.from(data, 'base64');
  }
}

/** For a question to an element whose page is going or gone: the driver has two ways to say that. */
function undefinedIfGone(problem) {
  const gone = problem instanceof error.StaleElementReferenceError;
  if (gone || /does not belong to the document/.test(problem.message)) return undefined;
  throw problem;
}

/** A server of somebody else's pages. */
export async function openSite() {
  const pages = [];
  const server = createServer((request, response) => {
    const page = pages[Number(request.url.slice(1))];
    response.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    /** Adds a page. For one on 127.0.0.1, `localhost` is another site and `127.0.0.1` another origin of the same site. */
    page(html, host) {
      const index = pages.push(`<!DOCTYPE html><title>Elsewhere</title>${html}`) - 1;
      return `http://${host}:${port}/${index}`;
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

export { Key };
