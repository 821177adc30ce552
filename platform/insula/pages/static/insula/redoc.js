"use strict";
Redoc.init(
  document.getElementById("document").dataset.url,
  { hideDownloadButton: false, nativeScrollbars: true, scrollYOffset: ".bar", theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } } },
  document.getElementById("document"),
);
