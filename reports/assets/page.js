"use strict";
// The language: one click, remembered; ?lang=en in the address comes first.
const languages = { zh: "zh-CN", en: "en" };
const page = {
  language: "zh",
  listeners: [],
  setLanguage(language) {
    this.language = language;
    document.documentElement.lang = languages[language];
    this.listeners.forEach((listener) => listener());
  },
};

// A browser may refuse storage to a file.
function remembered() {
  try { return localStorage.getItem("language"); } catch { return null; }
}
function remember(language) {
  try { localStorage.setItem("language", language); } catch { /* asked again */ }
}

const asked = new URLSearchParams(location.search).get("lang") || remembered();
page.setLanguage(asked in languages ? asked : "zh");
document.getElementById("language").addEventListener("click", () => {
  page.setLanguage(page.language === "zh" ? "en" : "zh");
  remember(page.language);
});
