<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en" language="de">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation>Das Modell &#x27;{model}&#x27; braucht {expected} Kanäle in dieser Reihenfolge: {bands}. Für {parameter} wurden {given} gewählt. Wählen Sie für jeden einen Rasterkanal, oder keinen, damit sie automatisch zugeordnet werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>Der Layer &#x27;{layer}&#x27; ist ein Bild, das ein Webdienst zeichnet, in Rot, Grün und Blau. Das Modell &#x27;{model}&#x27; braucht {expected} gemessene Kanäle: {bands}. Verwenden Sie die Aufnahme selbst, als GeoTIFF oder von einem Coverage-Dienst (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation>Kartierung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation>Training</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation>„{parameter}“ ({name}) ist {value}; der Wert muss mindestens {low:g} sein.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation>&#x27;{parameter}&#x27; ({name}) ist {value}; der Wert muss zwischen {low:g} und {high:g} liegen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation>&#x27;{parameter}&#x27; soll nach &#x27;{target}&#x27; geschrieben werden, aber eine solche Datei schreibt dieses Werkzeug nicht. Geben Sie einen Dateinamen an, der auf {expected} endet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation> oder </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation>„{parameter}“ soll nach „{target}“ geschrieben werden: QGIS öffnet kein GeoPackage mit einem „;“ im Namen oder einem „%“ mit zwei Ziffern, etwa %20, im Pfad. Geben Sie einen anderen Namen oder Ordner an.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation>Vorzeitig beendet. Was bis dahin getan war, wurde behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation>Abgebrochen. Es wurde nichts geschrieben.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation>Was berechnet war, wurde behalten. Starten Sie das Werkzeug erneut mit denselben Einstellungen und derselben Ausgabe: Es macht dort weiter, wo es angehalten hat.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation>Szenen klassifizieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation>Gibt den Zellen eines Gitters oder Ihren Polygonen ein Label nach dem, was ein Raster dort zeigt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation>Szenenklassifikation,scene classification,Labels,labels,Kacheln,tiles,patches,Gitter,grid,Zonen,zones,Parzellen,Flurstücke,parcels,Polygone,polygons,multi-label,deep learning,KI,AI,EuroSAT,Sentinel-2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Sagt, welche Art von Szene jede Stelle zeigt, zum Beispiel ein Wohngebiet, eine Autobahn oder einjährige Kulturen. Ein Label gilt für eine ganze Zelle oder ein ganzes Polygon; für die Klasse jedes Pixels verwenden Sie &#x27;Landbedeckungskarte&#x27;.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: ein multispektrales Bild mit allen Kanälen in einem Layer.&lt;br&gt;&lt;b&gt;Zonen&lt;/b&gt;: Polygone, die ein Label erhalten sollen, etwa Parzellen. Ohne Zonen wird ein Gitter über das Raster gelegt.&lt;br&gt;&lt;b&gt;Zellengröße&lt;/b&gt;: die Seitenlänge einer Gitterzelle in Karteneinheiten; 0 nimmt die Größe, mit der das Modell gelernt hat, was meist am besten ist.&lt;br&gt;&lt;b&gt;Kanäle&lt;/b&gt;: Lassen Sie das Feld leer, um sie nach Name oder Wellenlänge zuzuordnen.&lt;/p&gt;&lt;h3&gt;Ausgabe&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Klassifizierte Szenen&lt;/b&gt;: Polygone mit dem Label (class_name), seiner Konfidenz in Prozent und der Wahrscheinlichkeit jeder Klasse (prob_...), sodass Sie zweifelhafte herausfiltern können. Unter etwa 60 war das zweitbeste Label dicht dahinter. Ein Modell mit mehreren Labels gibt jedes Label aus, das seine Schwelle überschritten hat; die Farbe ist die des wahrscheinlichsten.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation>Zellengröße (0 = die des Modells)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation>Kanäle in der Reihenfolge des Modells (leer = automatisch)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation>Zu klassifizierende Zonen (statt eines Gitters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation>Auf diese Polygone beschränken (Maske)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation>Klassifizierte Szenen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation>Anzahl klassifizierter Szenen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation>Änderungen erkennen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation>Kartiert, was sich zwischen zwei multispektralen Rastern derselben Stelle verändert hat.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation>Änderungserkennung,Veränderungsanalyse,change detection,Differenz,difference,vorher,before,nachher,after,zwei Zeitpunkte,two dates,bitemporal,Monitoring,monitoring,deep learning,KI,AI,Bautätigkeit,construction,Stadt,urban,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Kartiert, was sich am Boden zwischen zwei Zeitpunkten verändert hat. Was als Änderung gilt, bestimmt das Modell: Das mitgelieferte sucht nach Bautätigkeit, übergeht Jahreszeiten und Feldfrüchte und übersieht meist steigendes oder fallendes Wasser.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Vorher&lt;/b&gt; und &lt;b&gt;nachher&lt;/b&gt;: zwei multispektrale Raster derselben Stelle. Gitter, Pixelgröße und Koordinatenbezugssystem dürfen sich unterscheiden: Das zweite wird auf das Gitter des ersten gebracht. Wählen Sie wolkenfreie Zeitpunkte und möglichst dieselbe Jahreszeit.&lt;br&gt;&lt;b&gt;Schwelle&lt;/b&gt;: die Wahrscheinlichkeit, ab der ein Pixel als verändert gilt. Lassen Sie sie leer, um die des Modells zu nehmen; erhöhen Sie sie, wenn zu viel markiert wird, und verringern Sie sie, wenn Änderungen fehlen.&lt;br&gt;&lt;b&gt;Mindestfläche&lt;/b&gt; lässt kleinere Änderungen weg.&lt;/p&gt;&lt;h3&gt;Ausgaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Änderungskarte&lt;/b&gt;: 0 unverändert, 1 verändert, auf dem Gitter des ersten Rasters.&lt;br&gt;&lt;b&gt;Änderungswahrscheinlichkeit&lt;/b&gt; von 0 bis 1: Dunkle Flächen sind sicher. Bei Werten um die Schwelle lohnt sich ein Blick auf beide Bilder.&lt;br&gt;&lt;b&gt;Polygone&lt;/b&gt; dessen, was sich verändert hat, und eine Tabelle der &lt;b&gt;Flächen&lt;/b&gt;, gemessen auf dem Ellipsoid.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation>Raster vorher</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation>Raster nachher</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation>Kanäle des Rasters nachher, wenn sie abweichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation>Schwelle (0 bis 1, nicht gesetzt = die des Modells)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation>Die Wahrscheinlichkeit, ab der ein Pixel als verändert gilt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation>Mindestfläche einer Änderung (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation>Änderungskarte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation>Änderungswahrscheinlichkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation>Änderungspolygone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation>Fläche der Änderungen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation>Verwendete Schwelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation>Veränderte Fläche (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation>Beide Zeitpunkte sind das Raster &#x27;{}&#x27;, in dem sich nichts verändert haben kann. Wählen Sie das Raster des zweiten Zeitpunkts (AFTER).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation>Die Raster &#x27;{before}&#x27; und &#x27;{after}&#x27; überlappen sich nicht, es gibt also nichts zu vergleichen. Wählen Sie zwei Raster derselben Stelle, oder korrigieren Sie das Koordinatenbezugssystem des einen (Rechtsklick, Layer-KBS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Karte bewerten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation>Sagt anhand von Stellen, deren Wahrheit bekannt ist, wie gut eine Karte oder ein Modell ist, mit Intervallen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation>Genauigkeitsbewertung,accuracy assessment,Validierung,validation,Konfusionsmatrix,confusion matrix,Fehlermatrix,error matrix,Kappa,kappa,F1,IoU,Gesamtgenauigkeit,overall accuracy,Nutzergenauigkeit,user&#x27;s accuracy,Produzentengenauigkeit,producer&#x27;s accuracy,Flächenschätzung,area estimation,Olofsson</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Vergleicht eine Karte mit Stellen, von denen Sie wissen, was dort ist: wie viel richtig ist, was womit verwechselt wird und wie sicher diese Zahlen sind.&lt;/p&gt;&lt;h3&gt;Was zuerst zu sammeln ist&lt;/h3&gt;&lt;p&gt;Ziehen Sie die Punkte mit &#x27;Stichprobe einer Karte ziehen&#x27; und füllen Sie ihr Feld &lt;i&gt;reference&lt;/i&gt; aus. Nur eine solche Zufallsstichprobe spricht für die ganze Karte und liefert Flächen, die um die Fehler der Karte korrigiert sind. Selbst gewählte Polygone gehen auch, sagen aber nur etwas über diese Stellen. Verwenden Sie nie die Labels, mit denen das Modell trainiert wurde: Die kennt es.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Karte&lt;/b&gt;: eine Klassenkarte; oder, wenn Sie ein &lt;b&gt;Modell&lt;/b&gt; wählen, das Bild, das es kartieren soll.&lt;br&gt;&lt;b&gt;Referenz&lt;/b&gt;: Punkte, Polygone oder ein Klassenraster in beliebigem Koordinatenbezugssystem.&lt;br&gt;&lt;b&gt;Feld&lt;/b&gt;: die wahre Klasse, als Name oder Wert der Klasse in der Karte.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: wie die Referenz gezogen wurde. &lt;i&gt;stratified&lt;/i&gt; (geschichtet) gewichtet jede Klasse mit ihrer Fläche in der Karte; &lt;i&gt;simple&lt;/i&gt; (einfach) zählt alle gleich; &lt;i&gt;auto&lt;/i&gt; nimmt stratified bei einer Stichprobe, die mit dieser Erweiterung gezogen wurde.&lt;br&gt;&lt;b&gt;Konfidenzniveau&lt;/b&gt;: das der Intervalle. Bei 95 enthalten neunzehn von zwanzig solcher Intervalle den wahren Wert.&lt;/p&gt;&lt;h3&gt;Ausgaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Bericht&lt;/b&gt;: eine Seite mit allen Zahlen, zum Lesen oder Drucken.&lt;br&gt;&lt;b&gt;Tabelle&lt;/b&gt;: die Konfusionsmatrix; Zeilen sind wahr, Spalten kartiert.&lt;br&gt;Die wichtigsten Zahlen sind auch als Werte in der grafischen Modellierung verwendbar. Die Gesamtgenauigkeit führt in die Irre, wenn eine Klasse den größten Teil der Karte bedeckt: Sehen Sie sich im Bericht jede Klasse an.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation>Klassenkarte, oder mit Modell das zu kartierende Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation>Referenz: Punkte, Polygone oder ein Klassenraster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation>Wie die Referenz gezogen wurde</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation>stratified: zufällig innerhalb jeder Klasse der Karte. simple: auf jede andere Weise.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation>Konfidenzniveau der Intervalle (Prozent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation>Mit Modell: Kanäle in seiner Reihenfolge (leer = automatisch)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation>Konfusionsmatrix</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation>Gesamtgenauigkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation>Gesamtgenauigkeit, untere Grenze des Intervalls</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation>Gesamtgenauigkeit, obere Grenze des Intervalls</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation>Kappa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation>Mittlere Intersection over Union (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation>Mittleres F1 der Klassen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation>Verglichene Stellen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation>Flächengewichtete Gesamtgenauigkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation>Flächengewichtete Genauigkeit, untere Grenze des Intervalls</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation>Flächengewichtete Genauigkeit, obere Grenze des Intervalls</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation>Modell exportieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation>Schreibt ein Modell als Datei zur Verwendung an anderer Stelle: ONNX, ONNX für Deepness oder Gewichte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation>Modell,model,Export,export,teilen,share,ONNX,safetensors,Deepness,Gewichte,weights,umwandeln,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Schreibt ein Modell als eine Datei zur Verwendung an anderer Stelle.&lt;/p&gt;&lt;h3&gt;Formate&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: für ONNX Runtime und für diese Erweiterung auf einem anderen Rechner. Die Datei enthält die Modellkarte: seine Kanäle mit Wellenlängen, seine Skalierung, seine Klassen mit Farben, seine Genauigkeit und seine Lizenz. Ein Modell, das bisher nur Gewichte hat, wird in einen Graphen umgewandelt, der mit ihnen verglichen wird.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: für die QGIS-Erweiterung Deepness. Die Werte müssen Reflektanz x 10000 sein und die Kanäle in der Reihenfolge des Modells liegen; Szenen werden zu Karten, die in einem Fenster überall gleich sind; bei Änderungen bilden die Kanäle beider Zeitpunkte einen Stapel. Was geschrieben wird, wird vorher mit dem Modell verglichen.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: die Gewichte, um davon aus zu trainieren; nur für Modelle, die welche haben.&lt;/p&gt;&lt;p&gt;Eine Datei für Deepness und ein Graph aus Gewichten erfordern die Trainingsbibliotheken der Engine (SpectralGPT &gt; Engine). Beachten Sie die Lizenz des Modells, wenn Sie es weitergeben.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation>onnx enthält die Modellkarte; deepness ist für die gleichnamige QGIS-Erweiterung; safetensors sind Gewichte, um davon aus zu trainieren.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation>Exportiertes Modell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation>ONNX-Modell (*.onnx);;Modell zum Weitertrainieren (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation>Größter Unterschied einer Wahrscheinlichkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation>Wählen Sie ein Modell: den Namen eines installierten oder eine Modelldatei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation>Das Format &#x27;{format}&#x27; ist eine Datei, die auf {ending} endet, die Ausgabe ist aber &#x27;{output}&#x27;. Ändern Sie eines von beiden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation>Es gibt kein Modell &#x27;{name}&#x27;. Wählen Sie eines von diesen: {known}; oder eine Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation>Modell mit Labels trainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation>Erstellt aus wenigen Polygonen, Punkten oder einem Klassenraster ein eigenes Modell.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation>trainieren,train,Feinabstimmung,fine-tune,finetune,lernen,learn,Trainingsgebiete,samples,ROI,Polygone,polygons,Labels,labels,few-shot,Klassifikation,classification,Segmentierung,segmentation,Änderung,change,random forest,deep learning,KI,AI,foundation model,transfer learning</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Zeigt dem Modell, wie Ihre Klassen aussehen, und erstellt ein Modell, das sie anderswo kartiert. Es geht von einem Backbone aus, das multispektrale Bilder schon kennt, deshalb genügen wenige Labels.&lt;/p&gt;&lt;h3&gt;Was zuerst zu zeichnen ist&lt;/h3&gt;&lt;p&gt;Erstellen Sie einen Polygonlayer mit einem Feld für die Klasse. Zeichnen Sie von &lt;b&gt;jeder&lt;/b&gt; Klasse drei bis zehn kleine Polygone an verschiedenen Stellen, jedes auf einer Fläche, die sicher zu dieser Klasse gehört. Nehmen Sie auf, was leicht verwechselt wird, und eine Klasse für &#x27;alles andere&#x27;. Was kein Label hat, wird ignoriert; es zählt nicht als Hintergrund. Polygone, die auseinander liegen, erlauben dem Werkzeug auch, das Modell auf Flächen zu beurteilen, von denen es nicht gelernt hat.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: die Bilder mit den Flächen, die Labels haben. Mehrere können sich einen Label-Layer teilen.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: Polygone, Punkte oder ein Klassenraster in beliebigem Koordinatenbezugssystem. Nicht gespeicherte Änderungen zählen mit. Die Farben und Namen der Klassen des Layers werden die des Modells.&lt;br&gt;&lt;b&gt;Feld&lt;/b&gt;: Text oder ganze Zahlen, ein Wert für jede Klasse.&lt;br&gt;&lt;b&gt;Aufgabe&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; lernt eine Klasse für jedes Pixel; &lt;i&gt;scenes&lt;/i&gt; ein Label für ein ganzes Polygon; &lt;i&gt;change&lt;/i&gt; vergleicht die Raster mit denen eines zweiten Zeitpunkts, mit Labels, die sagen, wo sich etwas verändert hat und wo nicht.&lt;br&gt;&lt;b&gt;Methode&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; behält das Backbone bei und dauert Sekunden; &lt;i&gt;adapters&lt;/i&gt; ändert wenige seiner Gewichte; &lt;i&gt;full&lt;/i&gt; ändert alle und braucht viele Labels und eine GPU. &lt;i&gt;auto&lt;/i&gt; entscheidet nach Ihren Labels und Ihrem Rechner und sagt, warum.&lt;br&gt;&lt;b&gt;Wo das Modell arbeiten soll&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; macht es robust gegen andere Zeitpunkte, anderes Licht und Dunst; &lt;i&gt;here&lt;/i&gt; ist auf genau diesen Rastern etwas besser und kann auf anderen versagen.&lt;br&gt;&lt;b&gt;Durchgänge&lt;/b&gt;: wie oft die Labels durchgegangen werden; 0 hört von selbst auf.&lt;/p&gt;&lt;h3&gt;Ausgaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modell&lt;/b&gt;: Im vorgeschlagenen Ordner ist es sofort installiert, und die Werkzeuge für Karten führen es unter seinem Namen auf. Eine Datei zum Weitertrainieren wird daneben geschrieben.&lt;br&gt;&lt;b&gt;Bericht&lt;/b&gt;: wie gut das Modell auf zurückgehaltenen Labels ist, Klasse für Klasse, und wie man es noch einmal erstellt.&lt;/p&gt;&lt;p&gt;Erfordert die Trainingsbibliotheken der Engine (SpectralGPT &gt; Engine).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation>Name des Modells</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation>Verwendete Methode</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation>Klassen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation>Labels: Polygone, Punkte oder ein Klassenraster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation>Was das Modell tun soll</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation>Eine Klasse für jedes Pixel, ein Label für ein ganzes Polygon oder Änderungen zwischen zwei Zeitpunkten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation>Raster des zweiten Zeitpunkts (nur für change)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation>Ausgangsmodell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation>Methode</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation>auto entscheidet nach der Zahl der Labels und dem Rechner. quick passt nur einen letzten Schritt auf dem unveränderten Modell an und dauert Sekunden; bei adapters lernt ein kleiner Teil des Modells mit; bei full das ganze, was am längsten dauert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation>Wo das Modell arbeiten soll</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation>anywhere macht es robust gegen andere Zeitpunkte, anderes Licht und Dunst. here ist auf diesen Rastern etwas besser und kann auf anderen versagen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation>Durchgänge durch die Labels (0 = automatisch)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation>Kanäle des zweiten Zeitpunkts, wenn sie abweichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation>Zur Bewertung zurückgehaltene Labels (Prozent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation>Ganze Gruppen benachbarter Labels werden zurückgehalten, damit das Modell anderswo beurteilt wird. 0 lernt von allen und kann nicht sagen, wie gut das Modell ist.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation>Eine Szene kann mehrere Labels haben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation>Für Szenen: Das Feld enthält sie dann durch ; oder , getrennt oder als Liste.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation>Modelle zum Vorhersagen (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation>Es gibt nichts, wovon gelernt werden kann. Wählen Sie die Raster mit den Flächen, die Labels haben.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation>Änderungen werden aus zwei Zeitpunkten gelernt: Geben Sie die Raster des zweiten Zeitpunkts (AFTER) an, eines für jedes des ersten, in derselben Reihenfolge.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation>Es gibt {before} Raster des ersten Zeitpunkts (INPUT) und {after} des zweiten (AFTER). Geben Sie für jedes des ersten eines des zweiten an, in derselben Reihenfolge.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation>Es wurden Raster eines zweiten Zeitpunkts (AFTER) angegeben, die Aufgabe ist aber &#x27;{task}&#x27;. Wählen Sie die Aufgabe &#x27;change&#x27;, oder lassen Sie den zweiten Zeitpunkt leer.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation>Mehrere Labels (MULTILABEL) gibt es nur für ganze Szenen, die Aufgabe ist aber &#x27;{}&#x27;. Entfernen Sie das Häkchen, oder wählen Sie die Aufgabe &#x27;scenes&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation>Szenen werden aus Polygonen oder Punkten mit je einem Label gelernt, &#x27;{}&#x27; ist aber ein Raster. Wählen Sie einen Vektorlayer oder die Aufgabe &#x27;segmentation&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation>&#x27;Landbedeckungskarte&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation>&#x27;Szenen klassifizieren&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation>&#x27;Änderungen erkennen&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation>Modell importieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation>Macht aus einem veröffentlichten SpectralGPT-Checkpoint ein Modell für diese Erweiterung.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation>Modell,model,Checkpoint,checkpoint,Gewichte,weights,pth,ONNX,safetensors,SpectralGPT,Import,import,umwandeln,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Macht aus einem veröffentlichten SpectralGPT-Checkpoint (SpectralGPT.pth, SpectralGPT+.pth oder einem für Segmentierung oder Änderungen feinabgestimmten) eine Modelldatei für diese Erweiterung. Die Datei wird nur als Zahlen gelesen: Nichts darin wird ausgeführt, und eine Datei mit anderem Inhalt wird abgelehnt.&lt;/p&gt;&lt;p&gt;Ein Modell, das diese Erweiterung auf einem anderen Rechner erstellt hat (.onnx, .safetensors), wird geprüft und kopiert.&lt;/p&gt;&lt;h3&gt;Ausgabe&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modell&lt;/b&gt;: eine .safetensors-Datei, um davon aus zu trainieren, oder eine .onnx-Datei, um Karten zu erstellen. Im Modellordner der Erweiterung erscheint es in der Liste der Modelle; anderswo geben Sie seinen Pfad als Modell an.&lt;/p&gt;&lt;p&gt;Ein Checkpoint erfordert die Trainingsbibliotheken der Engine (SpectralGPT &gt; Engine).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation>Checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation>Checkpoints und Modelle (*.pth *.pt *.ckpt *.onnx *.safetensors);;Alle Dateien (*.*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation>Was die Datei enthält</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation>auto sieht in die Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation>Leer nimmt den Namen der Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation>Modell zum Weitertrainieren (*.safetensors);;Modell zum Vorhersagen (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation>Wofür es ist</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation>Es gibt keinen Checkpoint &#x27;{}&#x27;. Wählen Sie die heruntergeladene Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation>Ein Modell wird übernommen, wie es ist: Die Ausgabe muss auf {ending} enden, wie &#x27;{given}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation>Die zusätzlichen NoData-Werte von &#x27;{}&#x27; sind der Engine nicht bekannt: Sie hält sie für Klassen. Setzen Sie sie stattdessen in der Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation>Der Layer &#x27;{}&#x27; hat weder Polygone noch Punkte. Wählen Sie einen Layer mit Polygonen oder Punkten oder ein Klassenraster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation>Wählen Sie das Feld von &#x27;{layer}&#x27;, das die Klasse jedes Objekts enthält. Seine Felder sind: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation>Der Layer &#x27;{layer}&#x27; hat kein Feld &#x27;{field}&#x27;. Seine Felder sind: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation>In &#x27;{}&#x27; ist nichts gewählt. Wählen Sie die zu verwendenden Objekte, oder entfernen Sie das Häkchen bei &#x27;Nur gewählte Objekte&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Die Labels &#x27;{layer}&#x27; haben nur eine Klasse: &#x27;{label}&#x27;. Vergeben Sie auch Labels für das, was nicht zu dieser Klasse gehört, zum Beispiel als &#x27;Sonstiges&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>Die Datei &#x27;{file}&#x27; ({name}) kann nicht als Raster geöffnet werden: Sie ist beschädigt, wurde nicht vollständig kopiert oder ist von einer Art, die QGIS nicht lesen kann. Kopieren Sie sie erneut, oder laden Sie sie erneut herunter.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>Die Datei &#x27;{file}&#x27; ({name}) kann nicht als Layer geöffnet werden: Sie ist beschädigt, wurde nicht vollständig kopiert oder ist von einer Art, die QGIS nicht lesen kann. Kopieren Sie sie erneut, oder laden Sie sie erneut herunter.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation>Satellitenprodukt öffnen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation>Öffnet ein Produkt von Sentinel-2, Landsat oder HLS als ein Raster, mit maskierten Wolken.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,Kanäle,stapeln,virtuelles Raster,VRT,Wolken,Wolkenmaske,SCL,QA_PIXEL,Reflektanz,importieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Öffnet ein Satellitenprodukt, wie es heruntergeladen wurde, und macht daraus ein Raster für die anderen Werkzeuge: alle Kanäle mit ihren Namen, die Werte als Reflektanz, Wolken maskiert. Es werden keine Pixel kopiert: Das Raster ist eine kleine Datei, die auf das Produkt verweist; lassen Sie das Produkt also, wo es ist.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Produkt&lt;/b&gt;: eine beliebige Datei des Produkts, oder sein Archiv: Sentinel-2 Level-2A oder Level-1C (.SAFE-Ordner oder .zip), Landsat Collection 2 (Ordner oder .tar), HLS Version 2 (Ordner). Skripte können auch den Ordner angeben.&lt;br&gt;&lt;b&gt;Pixelgröße&lt;/b&gt;: 0 nimmt die feinste des Produkts: 10 m bei Sentinel-2, 30 m bei Landsat und HLS. Gröbere Kanäle werden wiederholt, feinere gemittelt.&lt;br&gt;&lt;b&gt;Wolken maskieren&lt;/b&gt;: Wolken, ihre Schatten und Cirrus werden zu NoData, nach der Ebene, die dem Produkt beiliegt (SCL, MSK_CLASSI, QA_PIXEL oder Fmask). Sie übersieht dünne Wolken und hält manchmal helle Dächer oder Schnee für Wolken: Sehen Sie sich das Ergebnis an.&lt;/p&gt;&lt;h3&gt;Ausgabe&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: ein virtuelles Raster (.vrt), dargestellt in natürlichen Farben; die Maske wird daneben geschrieben. Thermal-, panchromatische und Qualitätskanäle werden weggelassen.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation>Produkt (eine beliebige seiner Dateien, oder sein Archiv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation>Satellitenprodukte (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;Alle Dateien (*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation>Pixelgröße in Metern (0 = die feinste)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation>Sentinel-2 hat Kanäle von 10, 20 und 60 m; Landsat und HLS haben 30 m.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation>Wolken und ihre Schatten maskieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation>Maskiert (Prozent; -1 ohne Maske)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation>Produkt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation>Datum</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation>Lassen Sie das Feld leer, um die Kanäle nach Name, Beschreibung oder Wellenlänge zuzuordnen. Wählen Sie sonst für jeden Kanal des Modells einen Rasterkanal, in der Reihenfolge des Modells.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation>Der Name eines installierten Modells oder der Pfad einer Modelldatei (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation>Der Name eines installierten Modells oder der Pfad einer Modelldatei (.onnx oder .safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation>Auf diese Ausdehnung beschränken</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation>Nur dieses Rechteck wird berechnet. Leer bedeutet das ganze Raster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation>Rechnen auf</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation>auto nimmt die GPU, wenn sie ihre Prüfung bestanden hat, sonst den Prozessor. Das Protokoll sagt, was verwendet wurde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation>Überlappung der Fenster (Prozent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation>Mehr Überlappung gibt glattere Übergänge zwischen den Fenstern und dauert länger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation>Prozessor-Threads (0 = alle)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation>Zuerst eine schnelle Vorschau des Kartenausschnitts zeigen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation>Eine grobe Karte des Ausschnitts erscheint nach einigen Sekunden, während die ganze berechnet wird. Sie verschwindet, wenn der Lauf endet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation>Cloud Optimized GeoTIFFs schreiben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation>CSV-Tabelle (*.csv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation>Backbone vortrainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation>Erstellt allein aus Bildern, ohne Labels, ein eigenes Backbone.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation>Vortraining,pretraining,Backbone,backbone,foundation model,selbstüberwacht,self-supervised,masked autoencoder,MAE,ohne Labels,unlabelled,Bilder,imagery,deep learning,KI,AI,SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Lässt ein Modell allein aus Bildern lernen: Der größte Teil jedes Bildes wird verdeckt, und das Modell lernt, ihn zu ergänzen. Heraus kommt ein Backbone, aus dem &#x27;Modell mit Labels trainieren&#x27; Modelle für Ihre Klassen macht. Für die gewöhnliche Arbeit brauchen Sie das nicht: Ein Backbone wird mit der Erweiterung installiert. Es lohnt sich, wenn Sie viele Bilder einer Art haben, die das mitgelieferte nicht gesehen hat, und eine GPU oder Geduld.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; und &lt;b&gt;Ordner&lt;/b&gt;: Bilder vieler Stellen und Zeitpunkte mit wenigen Wolken. Es muss nichts gezeichnet werden. Größen, Regionen und Pixelgrößen dürfen sich unterscheiden; von Pixeln ohne Daten wird nie gelernt.&lt;br&gt;&lt;b&gt;Beginnen mit&lt;/b&gt;: ein Backbone, das fortgeführt wird, was am schnellsten geht, oder eine Größe für einen neuen Anfang: tiny und small für einen Prozessor, base und größere für GPUs.&lt;br&gt;&lt;b&gt;Stufen&lt;/b&gt;: zuerst kleine Fenster, später größere. Jede Stufe ist FENSTER:DURCHGÄNGE, danach wahlweise :LERNRATE, :VERDECKTER ANTEIL und :MUSTER der Rasternamen, mit ; zwischen den Stufen, zum Beispiel 64:20:1e-3; 128:10:5e-4. Leer wählt nach der Menge der Bilder.&lt;br&gt;&lt;b&gt;Verdeckter Anteil&lt;/b&gt;: wie viel von jedem Bild verdeckt wird; mit 0.9 wurde SpectralGPT erstellt.&lt;br&gt;&lt;b&gt;Ordner zum Fortsetzen&lt;/b&gt;: Dort wird der Fortschritt aufbewahrt. Starten Sie das Werkzeug nach einem Halt erneut mit denselben Werten, und es macht dort weiter, wo es war.&lt;/p&gt;&lt;h3&gt;Ausgaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: Im vorgeschlagenen Ordner ist es sofort installiert.&lt;br&gt;&lt;b&gt;Bericht&lt;/b&gt;: die Kurven des Verlusts, die Daten und die Einstellungen.&lt;br&gt;&lt;b&gt;Rekonstruktion&lt;/b&gt;: ein Raster mit einem maskierten Bild, dem, was das Modell daraus gemacht hat, und dem Fehler. Ein gutes Backbone zeichnet Felder, Straßen und Ufer dort, wo sie sind.&lt;/p&gt;&lt;p&gt;Erfordert die Trainingsbibliotheken der Engine (SpectralGPT &gt; Engine).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation>Verlust am Ende</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation>Ordner mit Rastern</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation>Alle Raster darin werden verwendet, neben den oben gewählten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation>Beginnen mit: ein Backbone oder eine Größe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation>Stufen (leer = automatisch)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation>FENSTER:DURCHGÄNGE[:LERNRATE[:VERDECKTER ANTEIL[:MUSTER]]], durch ; getrennt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation>Verdeckter Anteil jedes Bildes (0.1 bis 0.99)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation>Durchgänge jeder Stufe (0 = wie in den Stufen angegeben)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation>Bilder auf einmal (0 = nach dem Speicher)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation>Schritte eines Durchgangs (0 = nach der Menge der Bilder)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation>Wonach das Modell beurteilt wird</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation>token ist das, womit die veröffentlichten Gewichte erstellt wurden; die anderen fügen die Form des Spektrums hinzu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation>Positionen von einer Fenstergröße zur nächsten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation>interpolate behält das Gelernte; drop beginnt sie neu, wie veröffentlicht.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation>Ordner zum Fortsetzen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation>Dort wird der Fortschritt aufbewahrt; ein angehaltener Lauf wird von dort fortgesetzt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation>Backbone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation>Modelle zum Weitertrainieren (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation>Rekonstruktion</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation>Es gibt keinen Ordner &#x27;{}&#x27; mit Rastern. Wählen Sie einen anderen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation>Es gibt nichts, wovon gelernt werden kann. Wählen Sie Raster oder einen Ordner mit Rastern.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation>Die Stufe &#x27;{stage}&#x27; ist unverständlich. Schreiben Sie jede als FENSTER:DURCHGÄNGE[:LERNRATE[:VERDECKTER ANTEIL[:MUSTER]]], etwa 64:20:1e-3, mit ; dazwischen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation>&#x27;Modell mit Labels trainieren&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation>Berechnete Fenster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation>Übersprungene Fenster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation>Gefundene Klassen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation>Berechnet auf</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation>Wählen Sie ein Modell: den Namen eines installierten oder eine Modelldatei (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation>&#x27;{}&#x27; ist ein Modell zum Weitertrainieren. Wählen Sie seine .onnx-Datei; sie sagt vorher.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation>&#x27;{}&#x27; ist keine Modelldatei: Erwartet wird eine, die auf .onnx endet. Importieren Sie andere Formate mit &#x27;Modell importieren&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation>Es gibt keine Modelldatei &#x27;{name}&#x27;. Wählen Sie eine andere oder ein installiertes Modell: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation>Das Modell &#x27;{name}&#x27; ist für {task}. Wählen Sie eines, das zu diesem Werkzeug passt: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation>Es gibt kein installiertes Modell &#x27;{name}&#x27;. Wählen Sie eines von diesen: {fitting}; oder geben Sie den Pfad einer Modelldatei an.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation>Keine Vorschau: es gibt keine Karte, auf der sie gezeigt werden könnte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation>Die Ausdehnung ist leer: Ihre Breite oder Höhe ist 0. Zeichnen Sie sie neu, oder lassen Sie sie leer, um das ganze Raster zu verwenden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation>Landbedeckungskarten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation>die Klassifikation von Szenen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation>Änderungen zwischen zwei Zeitpunkten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation>die Feinabstimmung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation>Der Layer &#x27;{}&#x27; kann nicht geöffnet werden. Prüfen Sie seine Quelle, oder entfernen Sie ihn und fügen Sie ihn erneut hinzu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation>Die Ausdehnung berührt den Layer &#x27;{}&#x27; nicht. Zeichnen Sie eine Ausdehnung über dem Layer, oder lassen Sie sie leer.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>Der Layer &#x27;{}&#x27; ist ein Dienst ohne eigene Größe. Setzen Sie die Ausdehnung auf das gewünschte Gebiet, wo das Werkzeug eine hat, oder speichern Sie dieses Gebiet als GeoTIFF (Rechtsklick, Exportieren, Speichern als) und verwenden Sie die Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation>Der Layer &#x27;{name}&#x27; ist ein Dienst ohne eigene Größe: Er wird mit {metres:g} m am Boden gelesen, dort {across:.6g} x {down:.6g} Einheiten von {crs}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>Der Layer &#x27;{name}&#x27; ist keine Datei und muss daher erst kopiert werden: {columns} x {rows} Pixel in {count} Kanälen, {size:.1f} GB; höchstens {limit:.1f} GB können kopiert werden. Setzen Sie eine kleinere Ausdehnung, oder speichern Sie den Layer als GeoTIFF (Rechtsklick, Exportieren, Speichern als) und verwenden Sie dieses.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation>Der Layer &#x27;{}&#x27; kann nicht Pixel für Pixel gelesen werden. Speichern Sie ihn als GeoTIFF und verwenden Sie dieses.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation>Der Layer &#x27;{name}&#x27; konnte nicht nach {path} kopiert werden (Fehler {code}). Prüfen Sie, ob der Dienst antwortet und auf dem Datenträger Platz ist, oder speichern Sie den Layer als GeoTIFF und verwenden Sie dieses.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation>Der Layer &#x27;{name}&#x27; wird als {given} angezeigt, seine Datei sagt aber {own}: Es gilt die Angabe der Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation>Stichprobe einer Karte ziehen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation>Zieht zufällige Punkte jeder Klasse einer Karte, um sie anzusehen und danach zu urteilen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation>Genauigkeitsbewertung,accuracy assessment,Validierung,validation,geschichtete Zufallsstichprobe,stratified random sample,Referenzpunkte,reference points,Bodenwahrheit,ground truth,Olofsson,good practice,response design</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Zieht zufällige Punkte jeder Klasse einer Karte. Sie sehen sich jede Stelle in guten Bildern an und schreiben auf, was wirklich dort ist, und &#x27;Karte bewerten&#x27; sagt, wie gut die Karte ist und wie groß jede Klasse wirklich ist, mit Intervallen (nach Olofsson und anderen, 2014).&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Klassenkarte&lt;/b&gt;: aus &#x27;Landbedeckungskarte&#x27;, &#x27;Änderungen erkennen&#x27; oder von anderswo; ganze Zahlen im ersten Kanal.&lt;br&gt;&lt;b&gt;Anzahl der Punkte&lt;/b&gt;: 0 nimmt so viele, wie der gewünschte Standardfehler erfordert.&lt;br&gt;&lt;b&gt;Standardfehler&lt;/b&gt;: wie weit die Gesamtgenauigkeit typischerweise danebenliegen darf; 0.01 ist ein Prozent.&lt;br&gt;&lt;b&gt;Erwartete Genauigkeit&lt;/b&gt;: Ihre Schätzung, wie viel von jeder Klasse richtig ist.&lt;br&gt;&lt;b&gt;Aufteilung&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gibt großen Klassen mehr Punkte, was für Flächen am besten ist; &lt;i&gt;equal&lt;/i&gt; gibt allen gleich viele, was für die Beurteilung seltener Klassen am besten ist.&lt;br&gt;&lt;b&gt;Mindestzahl der Punkte einer Klasse&lt;/b&gt;: 50 oder mehr machen die Zahlen seltener Klassen brauchbar.&lt;/p&gt;&lt;h3&gt;Ausgabe&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Stichprobenpunkte&lt;/b&gt;: Gehen Sie sie einen nach dem anderen durch, sehen Sie sich jeden in den Bildern an und wählen Sie im Feld &lt;i&gt;reference&lt;/i&gt; die Klasse, die Sie sehen; das Formular führt die Klassen der Karte auf. Sehen Sie auf die Bilder, nicht auf die Karte. Noch offene Punkte sind orange. Sie dürfen früher aufhören: Auch die ersten Punkte sind eine Zufallsstichprobe. Lassen Sie keinen aus, weil er schwierig ist.&lt;/p&gt;&lt;p&gt;Starten Sie dann &#x27;Karte bewerten&#x27; mit der Karte, diesen Punkten und dem Feld reference.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation>Klassenkarte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation>Anzahl der Punkte (0 = nach dem Standardfehler)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation>Standardfehler der Gesamtgenauigkeit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation>0.01 ist ein Prozent. Die Hälfte davon braucht viermal so viele Punkte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation>Erwartete Genauigkeit jeder Klasse (0 bis 1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation>Wie die Punkte auf die Klassen aufgeteilt werden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation>proportional: nach der Fläche jeder Klasse. equal: für alle gleich viele.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation>Mindestzahl der Punkte einer Klasse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation>Stichprobenpunkte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>&#x27;{name}&#x27; ist ein Bild mit {bands} Kanälen, keine Karte von Klassen. Wählen Sie eine Klassenkarte, etwa eine, die &#x27;Landbedeckungskarte&#x27; erstellt hat.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation>Landbedeckungskarte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation>Gibt jedem Pixel eines multispektralen Rasters eine Landbedeckungsklasse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation>Landbedeckung,land cover,Landnutzung,land use,Segmentierung,segmentation,Klassifikation,classification,Pixel,pixel,deep learning,KI,AI,foundation model,Sentinel-2,Landsat,Wasser,water,Wald,forest,Feldfrüchte,crops</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Gibt jedem Pixel eines multispektralen Rasters eine Klasse, etwa Wasser, Bäume oder bebaute Fläche.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: ein multispektrales Bild wie von Sentinel-2 oder Landsat, mit allen Kanälen in einem Layer. Digitale Zahlen und Reflektanz gehen beide; das Protokoll sagt, wie die Werte skaliert wurden.&lt;br&gt;&lt;b&gt;Kanäle&lt;/b&gt;: Lassen Sie das Feld leer, und die Kanäle werden nach Namen oder Wellenlängen zugeordnet. Wenn Ihr Raster keines von beiden angibt, wählen Sie für jeden Kanal des Modells einen Kanal, in der Reihenfolge des Modells (siehe Kurzinfo des Modells).&lt;br&gt;&lt;b&gt;Ausdehnung&lt;/b&gt; und &lt;b&gt;Maske&lt;/b&gt; beschränken, was berechnet wird; so geht ein kleines Gebiet auch in einer großen Szene schnell.&lt;br&gt;&lt;b&gt;Mindestfläche&lt;/b&gt; verschmilzt kleinere Flecken mit ihren Nachbarn.&lt;/p&gt;&lt;h3&gt;Ausgaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Klassenkarte&lt;/b&gt;: ein GeoTIFF auf dem Gitter des Rasters, mit den Klassennamen und Farben des Modells. Pixel ohne Daten bleiben ohne Daten.&lt;br&gt;&lt;b&gt;Konfidenz&lt;/b&gt;: die Wahrscheinlichkeit der gewählten Klasse in Prozent. Werte nahe 100 sind sicher. Sehen Sie sich das Bild selbst an, wo sie unter etwa 60 fällt: Dort war die zweitbeste Klasse dicht dahinter, oft an Grenzen oder an Stellen, die denen nicht gleichen, von denen das Modell gelernt hat.&lt;br&gt;&lt;b&gt;Polygone&lt;/b&gt; mit Klasse und mittlerer Konfidenz sowie eine Tabelle der &lt;b&gt;Fläche&lt;/b&gt; jeder Klasse, gemessen auf dem Ellipsoid.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation>Mindestfläche eines Flecks (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation>Konfidenz (Prozent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation>Klassenpolygone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation>Fläche jeder Klasse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation>Kartierte Fläche (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation>&#x27;{value}&#x27; ({parameter}) ist keine Liste von Kanalnummern. Geben Sie ganze Zahlen ab 1 an, etwa 2,3,4,8, oder lassen Sie das Feld leer, damit die Kanäle automatisch zugeordnet werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation>Wählen Sie ein Ausgangsmodell: den Namen eines installierten oder seine Datei.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation>Es gibt keine Modelldatei &#x27;{name}&#x27;. Wählen Sie eine andere oder eine von diesen: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation>Von &#x27;{name}&#x27; aus kann nicht trainiert werden: Dazu braucht es eine Datei, die auf .safetensors endet. Wählen Sie eine von diesen: {fitting}; oder importieren Sie einen veröffentlichten Checkpoint mit &#x27;Modell importieren&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation>Es gibt kein installiertes Ausgangsmodell &#x27;{name}&#x27;. Wählen Sie eines von diesen: {fitting}; oder geben Sie den Pfad einer .safetensors-Datei an.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation>Das Modell &#x27;{name}&#x27; ist installiert: Wählen Sie es unter diesem Namen in {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation>Geben Sie die Datei {path} als Modell in {tools} an.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation>Feld mit der Klasse (nicht bei einem Raster)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation>Text oder ganze Zahlen: ein Wert für jede Klasse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation>Nur gewählte Objekte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation>Verwendet, was im Layer gewählt ist; der Rest wird ausgelassen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation>Lassen Sie das Feld leer, um die Kanäle nach Name, Beschreibung oder Wellenlänge zuzuordnen. Geben Sie sonst für jeden Kanal des Modells die Nummer eines Rasterkanals an, in der Reihenfolge des Modells, etwa 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation>Der Name eines installierten Modells, von dem aus trainiert werden kann, oder der Pfad seiner Datei (.safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation>Startwert der Zufallszahlen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>Derselbe Startwert ergibt auf dem Prozessor wieder dasselbe Ergebnis. Probieren Sie andere, um zu sehen, wie viel schwankt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation>Webseite (*.html)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation>Stellen für die nächsten Labels suchen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation>Findet die Stellen eines Rasters, an denen ein Modell am unsichersten ist, der Reihe nach.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation>aktives Lernen,active learning,Unsicherheit,uncertainty,margin sampling,breaking ties,Trainingsdaten,training data,Labels,labels,Stichproben,samples,Annotation,annotation,deep learning,KI,AI,foundation model</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Findet die Stellen, an denen ein Label einem Modell am meisten beibringt: die, an denen seine zwei wahrscheinlichsten Klassen fast gleichauf liegen. Wenige solche Stellen verbessern ein Modell mehr als viele, die es schon kennt.&lt;/p&gt;&lt;h3&gt;Eingaben&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; und &lt;b&gt;Modell&lt;/b&gt;: was Sie kartieren, und das Modell, das Sie verbessern möchten.&lt;br&gt;&lt;b&gt;Kanäle&lt;/b&gt;: Lassen Sie das Feld leer, um sie nach Name oder Wellenlänge zuzuordnen.&lt;br&gt;&lt;b&gt;Anzahl der Stellen&lt;/b&gt;: wie viele Sie sich ansehen möchten.&lt;br&gt;&lt;b&gt;Seite einer Stelle&lt;/b&gt;: 0 nimmt 10 Pixel des Rasters.&lt;br&gt;&lt;b&gt;Vorhandene Labels&lt;/b&gt;: Stellen darauf werden ausgelassen, auch bei nicht gespeicherten Änderungen.&lt;br&gt;&lt;b&gt;Ausdehnung&lt;/b&gt; und &lt;b&gt;Maske&lt;/b&gt; beschränken die Suche; so geht ein kleines Gebiet auch in einer großen Szene schnell.&lt;/p&gt;&lt;h3&gt;Ausgabe&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Stellen für Labels&lt;/b&gt;: Quadrate mit ihrem Rang (1 ist die unsicherste), der Unsicherheit (0 ist sicher, 1 ist unentschieden) und den beiden Klassen, zwischen denen das Modell schwankt, mit ihren Wahrscheinlichkeiten. Die Stellen halten Abstand voneinander, und höchstens die Hälfte von ihnen betrifft dieselben zwei Klassen, sofern es andere gibt.&lt;/p&gt;&lt;p&gt;Gehen Sie sie nach Rang durch, sehen Sie sich jede in den Bildern an und zeichnen Sie Polygone dessen, was Sie sehen, in Ihren Label-Layer. Trainieren Sie dann vom aktuellen Modell aus weiter, und suchen Sie die nächsten Stellen.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation>Anzahl der Stellen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation>Seite einer Stelle (0 = 10 Pixel)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation>Vorhandene Labels (werden ausgelassen)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation>Stellen für Labels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation>Stellen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation>Der Layer &#x27;{}&#x27; enthält keine verwendbaren Objekte. Zeichnen Sie welche, prüfen Sie seinen Filter, oder entfernen Sie das Häkchen bei &#x27;Nur gewählte Objekte&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation>Die Objekte von &#x27;{name}&#x27; konnten nicht nach {path} kopiert werden: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation>Virtuelle Raster (*.vrt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation>&#x27;{}&#x27; muss ein virtuelles Raster sein: Geben Sie einen Namen an, der auf .vrt endet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation>{name} ({word})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation>automatisch</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation>Segmentierung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation>Szenen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation>Änderungserkennung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation>Backbone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation>Basis bleibt, wie sie ist</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation>ein kleiner Teil der Basis lernt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation>die ganze Basis lernt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation>überall</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation>nur hier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation>einfach</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation>geschichtet</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation>proportional</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation>gleich</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation>interpolieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation>verwerfen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Der Ordner Ihrer Modelle, {folder}, kann nicht angelegt werden: {reason}. Wählen Sie mit Raster &gt; SpectralGPT &gt; Engine einen anderen Ordner für die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Dieses Werkzeug braucht die Trainingsbibliotheken der Engine, die nicht installiert sind. Installieren Sie sie mit Raster &gt; SpectralGPT &gt; Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>SpectralGPT braucht seine Engine, die noch nicht installiert ist. Installieren Sie sie mit Raster &gt; SpectralGPT &gt; Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Die Engine von SpectralGPT funktioniert nicht: {reason} Öffnen Sie Raster &gt; SpectralGPT &gt; Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation>Links: mit &#x27;{}&#x27;. Rechts: die Karte ohne.
Ziehen Sie die Linie, oder verschieben Sie sie mit den Pfeiltasten. Esc beendet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation>Mit der Karte darunter vergleichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Zeigt den Layer nur links von einer Linie, die Sie über die Karte ziehen (Esc beendet)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation>Kanal</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation>Erkannt als</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation>Wellenlänge</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation>Für</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation>Urteil</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation>Warum</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation>Verwenden…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation>Öffnet das Werkzeug mit diesem Layer und diesem Modell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation>Layer für Modelle beschreiben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation>&amp;Layer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation>Werte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation>NoData-Wert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation>Pixelgröße</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation>KBS</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation>Datum des Bildes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation>Anmerkungen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation>&amp;Kanäle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation>&amp;Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation>In diesem Projekt gibt es keinen Rasterlayer. Fügen Sie einen hinzu, um zu sehen, welche Modelle zu ihm passen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation>{} beschreiben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation>Kanäle und Werte von &#x27;{}&#x27; werden angesehen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation>Angehalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation>Keiner angegeben: Jedes Pixel zählt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation>Die Daten des Layers &#x27;{}&#x27; sind nicht zu finden. Reparieren Sie zuerst seine Quelle (Rechtsklick, Datenquelle ändern).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation>Der Layer &#x27;{}&#x27; ist keine Datei, sondern ein Dienst, oder er liegt nur in QGIS vor: Seine Kanäle und Werte lassen sich nicht beschreiben. Speichern Sie das benötigte Gebiet als GeoTIFF (Rechtsklick, Exportieren, Speichern als) und beschreiben Sie diesen Layer.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation>Feinabstimmung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation>Passt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation>Zweifelhaft</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation>Passt nicht</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation>Fehlt: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation>Pixel von {pixel:.3g} m; gelernt hat es mit {learned:.3g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation>Arbeitet ohne {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation>Alle seine Kanäle wurden gefunden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation>{model}: Kanal {band}, nach {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation>{model}: keiner, {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation>Küstenaerosol</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation>Blau</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation>Grün</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation>Rot</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation>Red Edge 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation>Red Edge 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation>Red Edge 3</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation>Nahes Infrarot</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation>Nahes Infrarot, schmal</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation>Wasserdampf</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation>Zirren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation>Kurzwelliges Infrarot 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation>Kurzwelliges Infrarot 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation>Nach der Wellenlänge</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation>Nicht erkannt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation>{} nm</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation>{width:.4g} × {height:.4g} m am Boden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation>{width} × {height} {unit}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation>Nicht bekannt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation>SpectralGPT-Diagnosebericht</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation>Fügen Sie diesen Text einer Frage oder einem Fehlerbericht bei. Ihr Benutzerordner, Ihr Name, der Name dieses Rechners und Passwörter sind entfernt; sehen Sie ihn trotzdem durch.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation>Wird zusammengestellt…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation>&amp;Speichern…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation>Bericht speichern</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation>Textdateien (*.txt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation>Der Bericht kann nicht als {file} gespeichert werden: {reason}. Wählen Sie einen anderen Ort.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation>SpectralGPT-Engine</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation>Die Engine ist beschädigt und muss repariert werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation>Reparieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation>Die Installation der Engine wurde nicht abgeschlossen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation>Installieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation>Die Werkzeuge brauchen eine Engine, die noch nicht installiert ist.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation>Nicht jetzt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation>Die Engine ist fertig.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation>Sagt, wie viele Fenster berechnet werden, wie lange das dauert und wie viel Arbeitsspeicher und Platz auf dem Datenträger es braucht. Geschrieben wird nichts.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation>Setzen Sie zuerst „{}“: Der Wert fehlt oder ist falsch.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation>Schätzung abbrechen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation>Abschätzen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation>Fenster: {windows}; {memory} Arbeitsspeicher, {disk} auf dem Datenträger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation>Fenster: {windows}; {time}, {memory} Arbeitsspeicher, {disk} auf dem Datenträger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation>etwa {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation>etwa {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation>etwa {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation>Hilfe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation>Öffnet die Anleitung auf der Seite zu diesem Fenster (F1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation>Landbedeckung klassifizieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation>Szenen klassifizieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation>Änderungen erkennen mit…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation>Feinabstimmen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation>Für Modelle beschreiben…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation>Die Zeitpunkte dieser Layer sind nicht bekannt: &#x27;{before}&#x27; wurde als der frühere genommen, da er im Layerbaum oben steht. Vertauschen Sie sie hier, wenn es umgekehrt ist.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation>Protokoll von {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation>Installiertes Modell oder Pfad einer Modelldatei</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation>Eine Modelldatei wählen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation>Neu beginnen: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation>Modelle zum Weitertrainieren ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation>SpectralGPT-Modelle ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation>{verdict}: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation>Kanäle, in dieser Reihenfolge: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation>Pixelgröße, mit der es gelernt hat: {:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation>Klassen: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation>Lizenz: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation>Das Modell &#x27;{}&#x27; in den Papierkorb verschieben?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation>&#x27;{}&#x27; wurde gelöscht.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation>Das Modell konnte nicht wiederhergestellt werden: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation>&#x27;{}&#x27; kann nicht in den Papierkorb verschoben werden. Endgültig löschen?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation>Das Modell konnte nicht gelöscht werden: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation>Modell löschen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation>Kanäle, in der Reihenfolge des Modells</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation>Genauigkeit auf Daten, die nicht im Training waren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation>Die Modellkarte enthält keine Zahlen: Beurteilen Sie das Modell anhand seiner Karte mit &#x27;Karte bewerten&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation>Daten und Rezept</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation>{use}; kann weitertrainiert werden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation>{name} ({size})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation>Name in Parametern</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation>Bodenauflösung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation>{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation>{0} × {0} Pixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation>Herkunft</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation>Dateien</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation>Ordner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation>Lizenz</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation>Nicht angegeben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation>Namensnennung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation>Wird mit der Erweiterung geliefert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation>aus {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation>auf {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation>Kanal {} des Layers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation>ausgelassen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation>Gemeinsam</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation>Mitgeliefert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation>Importiert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation>Hier trainiert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation>Eigenes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation>IoU (Intersection over Union) ist die Überlappung von Karte und Wirklichkeit: von aller Fläche, die zu einer Klasse gehört oder als solche kartiert ist, der Anteil, auf dem beide übereinstimmen. 1 ist am besten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation>95-%-Intervall</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation>Mittlere Überlappung (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation>Mittleres F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation>Mittlere durchschnittliche Präzision</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation>Precision</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation>Recall</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation>Stichprobe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation>Interpolation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation>Mittelwert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation>Ausgangsmodell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation>Labels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation>Feld</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation>Mit Label</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation>Gebiet</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation>Szenen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation>Stufen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation>Verlust</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation>Letzter Verlust</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation>Prozesse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation>Megapixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation>Daten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation>Sekunden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation>Batchgröße</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation>Schritte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation>Lernrate</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation>Verdeckt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation>Ausgelassen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation>Modelle suchen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation>Alle Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation>Zum Weitertrainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation>Beliebiger Layer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation>&amp;Für</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation>&amp;Layer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation>Modell umbenennen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation>Was Parameter und Skripte verwenden, und wie die Dateien heißen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation>&amp;Titel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation>&amp;Name der Datei</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation>Modell herunterladen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation>Von einer anderen Adresse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation>Nicht bekannt: Die Datei wird nicht mit der veröffentlichten verglichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation>&amp;Modell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Address</source>
        <translation>&amp;Adresse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;SHA-256</source>
        <translation>&amp;SHA-256</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download</source>
        <translation>Herunterladen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation>vor dem Herunterladen nicht bekannt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation>{about}&lt;br&gt;Größe: {size}&lt;br&gt;Lizenz: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation>Ordner gemeinsamer Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation>Modelle in diesen Ordnern, etwa auf einem Netzlaufwerk, werden mit aufgeführt; geschrieben wird dort nichts. Ein eigenes Modell hat Vorrang vor einem gemeinsamen desselben Namens, dieses vor einem mitgelieferten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation>&amp;Hinzufügen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation>&amp;Entfernen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation>Einen Ordner mit Modellen wählen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation>Layer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation>&#x27;{}&#x27; wird importiert…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation>Modelle…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation>Modelle vergleichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation>Modelle auflisten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation>SpectralGPT-Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation>&amp;Importieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation>Eine Modelldatei oder einen Checkpoint aufnehmen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation>&amp;Herunterladen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation>Veröffentlichte Gewichte holen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation>&amp;Exportieren…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation>Das Modell zur Verwendung an anderer Stelle schreiben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation>&amp;Umbenennen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation>Anderer Titel oder Name</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation>Lös&amp;chen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation>Das Modell in den Papierkorb verschieben</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation>&amp;Gemeinsame Ordner…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation>Ordner, die mehrere Personen verwenden</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation>Installierte Modelle werden gesucht…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation>Kein Modell passt. Ändern Sie den Text, oder wählen Sie alle Modelle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation>Der Layer &#x27;{}&#x27; ist keine Datei, daher lassen sich seine Kanäle nicht mit den Modellen vergleichen. Speichern Sie ihn zuerst als GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation>Modell importieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation>Modelle und Checkpoints ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation>{} importieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation>Das Modell &#x27;{}&#x27; wurde importiert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation>{} umbenennen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation>Das Modell heißt jetzt &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation>{} herunterladen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation>{there} von {whole}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation>Ein anderes Modell wird gerade bearbeitet. Warten Sie, bis das fertig ist, oder brechen Sie es ab.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{}&#x27; ist keine Modelldatei: Erwartet wird .onnx oder .safetensors dieser Erweiterung oder ein SpectralGPT-Checkpoint (.pth).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation>&amp;Abbrechen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation>Vorgaben der Werkzeuge</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation>Automatisch: die GPU, wo sie funktioniert, sonst der Prozessor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation>GPU, oder abbrechen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation>Alle ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation> MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation>Keine Grenze</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation>Ein Auftrag, der mehr braucht, endet mit einer Meldung, statt den Rechner zu verlangsamen. Gilt für den Speicher des Rechners, nicht den einer GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation>macOS bietet keine Möglichkeit, eine solche Grenze einzuhalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation>Rec&amp;hnen auf</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation>Prozessor-&amp;Threads</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation>Speicher&amp;grenze</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation>Die Engine wird angesehen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation>Installation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation>&amp;Installieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation>&amp;Prüfen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation>&amp;Reparieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation>&amp;Entfernen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation>Stopp</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation>Testet die Bibliotheken der Engine, den Prozessor und die GPU mit einer echten Berechnung.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation>Erstellt die Engine neu; die alte bleibt, bis die neue funktioniert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation>Entfernt die Engine. Ihre eigenen Modelle bleiben.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation>Die verwendete Engine bleibt, wie sie war.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation>Protokoll und Diagnose</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation>Hier erscheint, was die Engine meldet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation>&amp;Diagnosebericht…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation>Versionen, Einstellungen und die letzten Meldungen, ohne persönliche Daten, zum Weitergeben an andere.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation>&amp;Aktualisieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation>Engine entfernen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation>Die SpectralGPT-Engine entfernen? Ihre eigenen Modelle bleiben; sie kann wieder installiert werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{} MB</source>
        <translation>{} MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{:.1f} GB</source>
        <translation>{:.1f} GB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is installed and ready.</source>
        <translation>Die Engine ist installiert und bereit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation>Die Engine funktioniert, und eine Aktualisierung steht bereit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation>Die Engine ist noch nicht installiert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation>Die Engine berechnet die Karten in einem eigenen Prozess. Sie wird einmal in einen Ihrer Ordner heruntergeladen; an QGIS wird nichts verändert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation>Karten und Training</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation>Karten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation>Prozessor und NVIDIA-GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation>Für {what}; rechnet auf: {device}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation>{size} in {place}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation>Ordner: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation>Aus dem Ordner mit Wheels; heruntergeladen wird nichts.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation>Wie viel heruntergeladen wird, ist für dieses System nicht bekannt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation>Lädt {} herunter.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation>Braucht {} auf dem Datenträger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation>Braucht {needed} auf dem Datenträger, wo nur {free} frei sind: Schaffen Sie Platz, oder wählen Sie einen anderen Ordner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation>Braucht {needed} auf dem Datenträger, wo {free} frei sind.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation>Auf diesem Rechner noch nicht getestet. &#x27;Prüfen&#x27; probiert den Prozessor und die GPU aus.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation>Getestet {}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation>funktioniert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation>nicht verfügbar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation>{milliseconds:g} ms für {side} x {side} Pixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation>Grafikkarten: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation>GPU für das Training</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation>Die Engine hat ihren Test bestanden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation>Python {python} auf {platform}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation>Bibliotheken: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation>SpectralGPT-Engine installieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation>SpectralGPT-Engine reparieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation>SpectralGPT-Engine entfernen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation>Wird abgebrochen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation>Fertig.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation>Fehlgeschlagen: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation>&amp;Karten mit vorhandenen Modellen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation>Karten, Import von Checkpoints und Trai&amp;ning eigener Modelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation>Unterstützung für eine NVIDIA-GP&amp;U</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation>Größen der Pakete dieses Systems, erfasst am {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation>Netzwerk und Ordner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation>wie in QGIS: keiner (http://user:password@host:port)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation>Die Umgebungsvariable {} gibt den Ort vor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation>Paketindex</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation>Zertifikate (CA-Datei)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation>Offline: Ordner mit Wheels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation>Ordner für die Engine</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation>{} [optional]</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation>Sein ganzes Produkt öffnen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation>Bericht öffnen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation>Protokoll anzeigen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation>Das Modell &#x27;{}&#x27; ist bereit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation>Zum Projekt hinzugefügt: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation>Der Bericht ist fertig: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation>Linie zwischen den beiden Karten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation>Zurückgehaltene Szenen: mittlere durchschnittliche Präzision {:.2f} (1 ist am besten).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation>Wie gut das Modell ist, ist nicht bekannt: Es konnten keine Labels zurückgehalten werden, um es daran zu beurteilen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation>Von den zurückgehaltenen Szenen haben {share} das richtige Label erhalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation>Von den zurückgehaltenen Pixeln mit Label sind {share} richtig kartiert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation>Sie liegen an einer einzigen Stelle; wie sicher das ist, lässt sich daher nicht sagen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Von den zurückgehaltenen Szenen haben {share} das richtige Label erhalten: {low} bis {high} bei 95 % Konfidenz, beurteilt an {places} Stellen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Von den zurückgehaltenen Pixeln mit Label sind {share} richtig kartiert: {low} bis {high} bei 95 % Konfidenz, beurteilt an {places} Stellen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation>Die Kanäle von &#x27;{}&#x27; werden zugeordnet, wenn das Training beginnt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation>Gefundene Kanäle: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation>Präz.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation>Präzision: der Anteil dessen, was als diese Klasse kartiert ist und es wirklich ist (Nutzergenauigkeit).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation>Recall: der Anteil dessen, was diese Klasse ist und als sie kartiert ist (Produzentengenauigkeit).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation>F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation>Präzision und Recall in einer Zahl: ihr harmonisches Mittel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation>Überlapp.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation>Überlappung (Intersection over Union, IoU): von allem, was zu ihr gehört oder als sie kartiert ist, der Anteil, auf dem beide übereinstimmen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation>Überlappung (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation>Überlappung (Intersection over Union, IoU): von aller Fläche, die zu dieser Klasse gehört oder als sie kartiert ist, der Anteil, auf dem beide übereinstimmen. 100 % ist am besten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation>Nicht bekannt: Von dieser Klasse ist kein Label zurückgehalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation>Klasse &#x27;{}&#x27; entfernen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation>Klasse &#x27;{gone}&#x27; mit &#x27;{kept}&#x27; vereinigen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation>Es gibt schon eine Klasse &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation>&#x27;{}&#x27; mit ihr vereinigen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation>Der Layer &#x27;{}&#x27; kann nicht bearbeitet werden. Speichern Sie ihn als GeoPackage (Rechtsklick, Exportieren, Objekte speichern als) und verwenden Sie dieses.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation>Zeichnen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation>Was Sie zeichnen, erhält die gewählte Klasse. Ein Rechtsklick schließt ein Polygon ab; klicken Sie erneut, um aufzuhören.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation>Klasse hinzufügen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation>Entfernt die gewählte Klasse und ihre Labels; &#x27;Rückgängig&#x27; bringt sie zurück.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation>Keine Zelle des Rasters hat diesen Wert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} von mindestens {wanted} Punkten. Setzen Sie {wanted} bis zehn an verschiedenen Stellen: Einige werden zurückgehalten, um das Modell auf Flächen zu beurteilen, von denen es nicht gelernt hat.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} von mindestens {wanted} Polygonen. Zeichnen Sie {wanted} bis zehn an verschiedenen Stellen: Einige werden zurückgehalten, um das Modell auf Flächen zu beurteilen, von denen es nicht gelernt hat.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation>Polygone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation>Pixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation>Fläche mit Label in Pixeln des ersten Rasters; nicht gespeicherte Änderungen zählen mit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation>Doppelklicken Sie, um eine andere Farbe zu wählen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation>{} (Doppelklick zum Umbenennen)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation>Polygone von &#x27;{}&#x27; zeichnen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation>Farbe der Klasse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation>{reference}: {count} richtig kartiert ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation>{reference}: {count} als {mapped} kartiert ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation>Referenz ↓</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation>Kartiert als →</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation>Summe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation>am besten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation>Ein Modell feinabstimmen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation>Die Trainingsbibliotheken der Engine fehlen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation>Training läuft… Sie können inzwischen weiterzeichnen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation>Die Werkzeuge von SpectralGPT fehlen in den Verarbeitungswerkzeugen. Laden Sie die Erweiterung neu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation>1 Bilder und Labels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation>2 Trainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation>3 Ergebnis</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation>Erscheint, wenn ein Modell trainiert wurde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation>Eng&amp;ine…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation>Voraussichtliche Dauer: etwa {time}, nach einem früheren Training auf diesem Rechner ({earlier}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation>Voraussichtliche Dauer: etwa {time}. Sie wurde auf einem anderen Rechner gemessen; nach dem ersten Training richtet sie sich nach diesem.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation>Voraussichtliche Dauer: vor dem ersten Training dieser Art auf diesem Rechner nicht bekannt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} s</source>
        <translation>{} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} min</source>
        <translation>{} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>&amp;Train</source>
        <translation>&amp;Trainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation>Bereit zum Training.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation>Klassenkarte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation>Eine Klasse für jedes Pixel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation>Ein Label für ein ganzes Polygon oder eine ganze Gitterzelle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation>Wo sich zwei Zeitpunkte unterscheiden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation>&amp;Aufgabe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation>Wählen Sie das Raster mit der Fläche, die Labels erhalten soll.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation>Wählen Sie das Raster des zweiten Zeitpunkts.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation>Beide Zeitpunkte sind dasselbe Raster. Wählen Sie ein anderes für den zweiten Zeitpunkt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation>Die Kanäle werden angesehen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation>Unverändert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation>Verändert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation>Klasse 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation>Klasse 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation>Klasse {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation>Labels von {} werden gezählt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation>Die Datei {} gibt es schon; sie bleibt, wie sie ist. Geben Sie einen anderen Namen an.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation>Der Label-Layer konnte in {path} nicht erstellt werden: {reason} Wählen Sie einen Ordner, in den Sie schreiben dürfen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation>Erstellen Sie einen Label-Layer, oder wählen Sie einen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation>Wählen Sie das Feld mit der Klasse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation>Die Labels werden gezählt…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation>„{name}“ hat {found} verschiedene Werte: Das ist ein Bild und kein Klassenraster. Wählen Sie einen anderen Layer.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>Es wurden {found} verschiedene Werte gefunden, und ein Modell kann höchstens {most} Klassen haben. Wählen Sie das Feld mit der Klasse, nicht eines, das die Objekte nummeriert, oder fassen Sie Klassen zusammen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation>Alle Labels liegen neben den Rastern. Zeichnen Sie welche auf ihnen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation>Zeichnen Sie Labels für mindestens zwei Klassen: Für &#x27;{}&#x27; gibt es noch keines.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation>Zeichnen Sie Labels für mindestens zwei Klassen. Fügen Sie eine zweite hinzu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation>Wenige Labels: {}. Das Modell kann trainiert, aber kaum beurteilt werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation>Wählen Sie zuerst ein Raster: Der Label-Layer erhält dessen Koordinatenbezugssystem.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation>Labels {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation>Wo sollen die Labels gespeichert werden?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation>Ohne Klasse und deshalb ausgelassen: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation>Neben den Rastern und deshalb ausgelassen: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation>Einen Layer wählen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation>&amp;Neu…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation>Erstellt neben dem Projekt einen leeren Polygonlayer mit einem Feld für die Klasse und beginnt, darin zu zeichnen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation>&amp;Feld</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation>Zeichnen Sie von jeder Klasse drei bis zehn kleine Polygone an verschiedenen Stellen, jedes auf einer Fläche, die sicher zu dieser Klasse gehört. Was kein Label hat, wird ignoriert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation>Stellen für die nächsten Labels &amp;suchen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation>In der Kartenansicht</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation>Im ganzen Layer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation>Wo nach Stellen gesucht wird</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation>Für Modelle, die jedem Pixel eine Klasse geben.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation>Stellen für die nächsten Labels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation>Die Stellen können nicht geöffnet werden: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation>Stellen gefunden in {seconds:.1f} s: {count}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation>Ausgangsmodelle werden gesucht…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation>Wählen Sie unter Erweitert das Modell, von dem ausgegangen wird.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation>Beliebige Bilder</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation>Verträgt andere Zeitpunkte, anderes Licht und Dunst.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation>Diese Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation>Hier etwas besser, kann anderswo versagen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation>Ein&amp;satz auf</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation>Name &amp;des Modells</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation>Erweitert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation>&amp;Basismodell</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation>Re&amp;chengerät</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation>Zur Be&amp;wertung zurückgehalten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation>Kana&amp;lnummern</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation>Entscheidet nach Ihren Labels und Ihrem Rechner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation>Basis bleibt, wie sie ist (quick)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation>Nur ein letzter Schritt lernt: dauert Sekunden und passt zu wenigen Labels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation>Ein kleiner Teil lernt (adapters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation>Ändert wenige Gewichte der Basis: dauert Minuten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation>Die ganze Basis lernt (full)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation>Ändert alle Gewichte: braucht viele Labels und eine GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation>Wie oft die Labels durchgegangen werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation>Eine GPU, wo eine funktioniert, sonst der Prozessor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation>Ganze Gruppen benachbarter Labels, damit das Modell anderswo beurteilt wird; bei 0 wird es nicht beurteilt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>Derselbe Startwert ergibt wieder dasselbe Ergebnis. Probieren Sie andere, um zu sehen, wie viel schwankt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation>automatisch zugeordnet</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation>Ein Rasterkanal für jeden Kanal des Basismodells, in dessen Reihenfolge, etwa 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation>V&amp;orherige</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation>Nä&amp;chste</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation>Stellen, die unsicherste zuerst: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation>Stelle {number} von {count}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation>{first} oder {second}?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>Automatisch entschieden: &#x27;{base}&#x27; bleibt, wie es ist, und nur ein letzter Schritt lernt Ihre Veränderungen (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation>Geht von &#x27;{base}&#x27; aus. Wie viel davon mitlernt, entscheidet sich nach Ihren Labels und Ihrem Rechner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation>Automatisch entschieden: &#x27;{base}&#x27; bleibt, wie es ist, und nur ein letzter Schritt lernt Ihre Klassen (quick). Das passt zu weniger als {many} Labels; es sind {labels}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation>Automatisch entschieden: Mit {labels} Labels lernt &#x27;{base}&#x27; mit, auf einer funktionierenden GPU ganz (full), sonst ein kleiner Teil (adapters), oder nichts, wenn es groß ist (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>&#x27;{base}&#x27; bleibt, wie es ist, und nur ein letzter Schritt lernt Ihre Labels (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation>Ein kleiner Teil von &#x27;{base}&#x27; lernt mit (adapters).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation>Ganz &#x27;{base}&#x27; lernt mit (full): braucht viele Labels und eine GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation>Die Karte zeigt kein Raster, von dem das Modell gelernt hat. Zoomen Sie zu einem davon.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation>Die Raster, von denen das Modell gelernt hat, sind nicht mehr da.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation>Vorschau: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation>Die Vorschau kann nicht geöffnet werden: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation>Vorschau der Kartenmitte in {seconds:.1f} s. Zoomen Sie hinein, um einen anderen Teil zu sehen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation>Vorschau des Kartenausschnitts in {seconds:.1f} s.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation>Kanäle von {} werden angesehen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation>Raster des zweiten Zeitpunkts</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation>Dieses Raster herausnehmen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation>bis</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation>Raster &amp;hinzufügen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation>Lernt von mehreren Rastern auf einmal: andere Stellen, andere Zeitpunkte. Sie teilen sich die Labels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation>Rasterpaar &amp;hinzufügen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation>Ein Raster wählen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation>Öffnet den Bericht im Browser.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation>&amp;Vorschau</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation>Kartiert, was die Kartenansicht zeigt, als temporären Layer über den Bildern.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation>Ver&amp;gleichen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Zeigt die Vorschau nur links von einer Linie, die Sie über die Karte ziehen (Esc beendet)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation>Auf den ganzen Layer an&amp;wenden…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation>Öffnet das Werkzeug mit bereits eingetragenem Modell und Raster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation>Karte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation>Von &amp;diesem Modell aus weitertrainieren</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation>Geht zurück zu den Labels, mit diesem Modell als Ausgangsmodell.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation>Modell verbessern</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation>Prozent jeder Zeile</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation>Wenn ein Modell trainiert wurde, steht hier, wie gut es ist.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation>Der Kartenausschnitt wird kartiert…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation>Zurückgehaltene Labels: {samples}. Jede Stelle wurde einmal zurückgehalten, von einem Modell, das sie nicht gesehen hat; das Modell selbst hat von allen gelernt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation>Zurückgehaltene Labels: {samples}. Der beste Durchgang wurde nach denselben Labels gewählt, daher schmeicheln sie ihm ein wenig.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation>Trainingsverlust</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation>Durchgang</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation>Beurteilte Teile</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation>Kurven erscheinen, sobald zurückgehaltene Labels beurteilt wurden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation>Es gibt nichts zu zeichnen: Es wurden keine Labels zurückgehalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation>Die Engine wird gestartet…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation>Wird sofort angehalten…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation>Wird angehalten; das bisher beste Modell wird geschrieben…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation>Wird angehalten…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation>Warnung: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation>Angehalten. Es gab noch kein Modell, daher wurde nichts behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation>Jetzt anhalten</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation>Auf zurückgehaltenen Labels, nach Durchgang {done} von höchstens {rounds}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation>Auf zurückgehaltenen Labels, vor dem ersten Durchgang:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation>Auf zurückgehaltenen Labels, {done} von {parts} Teilen:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation>Es wurden noch keine Labels beurteilt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation>&#x27;Jetzt anhalten&#x27; wartet nicht und behält nichts.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation>Es gibt noch kein Modell: &#x27;Abbrechen&#x27; hinterlässt nichts.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation>&#x27;Abbrechen&#x27; behält das Modell, wie es ist.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation>&#x27;Abbrechen&#x27; behält das Modell von vor dem ersten Durchgang, das bisher beste.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation>&#x27;Abbrechen&#x27; behält das Modell von Durchgang {best}, das bisher beste.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation>Vorzeitig beendet. Das Modell von Durchgang {best}, das bisher beste, wurde behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation>Vorzeitig beendet. Das Modell von vor dem ersten Durchgang wurde behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation>Vorzeitig beendet. Das Modell des letzten Durchgangs wurde behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation>Fertig in {time}. Das Modell von Durchgang {best}, das beste, wurde behalten.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation>Fertig in {time}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation>SpectralGPT spricht Deutsch</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation>noch etwa {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation>noch etwa {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation>noch etwa {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation>Der Layer &#x27;{}&#x27; hat kein Koordinatenbezugssystem. Setzen Sie es mit Rechtsklick, Layer-KBS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation>Der Layer &#x27;{}&#x27; hat kein Feld mit Text oder ganzen Zahlen, in dem eine Klasse stehen könnte. Fügen Sie eines hinzu, und geben Sie jedem Objekt seine Klasse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation>Kein Label hat eine Klasse: füllen Sie das Feld &#x27;{}&#x27; aus.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>Der Layer &#x27;{}&#x27; ist ein Bild, das ein Webdienst zeichnet: seine Farben sind keine Klassen. Wählen Sie das Klassenraster selbst, als GeoTIFF oder von einem Coverage-Dienst (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation>Satellitenprodukt öffnen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation>Landbedeckungskarte…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation>Änderungen erkennen…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation>Layer für Modelle beschreiben…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation>Engine…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation>SpectralGPT {} (Modelle für multispektrale Raster)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation>Schnelle Vorschau: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation>Der NoData-Wert von &#x27;{name}&#x27;, Kanal {band}, ist in den Layereigenschaften ausgeschaltet; hier wird er trotzdem beachtet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation>Der zusätzliche NoData-Bereich {low} bis {high} von &#x27;{name}&#x27; wird ausgelassen: Nur einzelne Werte werden unterstützt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation>{tool} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation>{tool}: {subject} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation>Keine Klasse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation>Zu beurteilen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation>Der Stil von {} wurde nicht gespeichert: Die Datei kann nicht geöffnet werden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation>Es gibt keinen Algorithmus &#x27;{}&#x27;. Aktivieren Sie die Erweiterung, die ihn mitbringt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation>Die Eingaben konnten nicht gelesen werden. Das Protokoll sagt mehr.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation>SpectralGPT-Diagnosebericht</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation>&#x27;{}&#x27; ist keine Adresse, von der heruntergeladen werden kann: Sie muss mit https:// oder http:// beginnen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation>&#x27;{path}&#x27; kann nicht geschrieben werden: {reason}. Schaffen Sie Platz, oder wählen Sie einen anderen Ordner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation>Der Download hat nicht begonnen: {} Prüfen Sie die Adresse, das Netzwerk und den Proxy unter Einstellungen &gt; Optionen &gt; Netzwerk.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation>Das Herunterladen wurde unterbrochen: {} Was bisher angekommen ist, wurde behalten; laden Sie erneut herunter, um von dort fortzufahren.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation>Die Datei hat sich auf dem Server geändert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation>{came} von {whole} Bytes sind angekommen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation>Der Server hat nichts gesendet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation>Es gibt keine Datei unter {} (404). Prüfen Sie die Adresse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation>Der Server gibt {url} nicht an alle heraus ({status}). Laden Sie die Datei mit Ihrem Browser herunter und importieren Sie sie.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation>Der Proxy verlangt einen Namen und ein Passwort (407). Setzen Sie sie in QGIS: Einstellungen &gt; Optionen &gt; Netzwerk.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation>Der Server hat mit {status} auf {url} geantwortet. Versuchen Sie es später erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation>Die heruntergeladene Datei hat {came} Bytes, erwartet werden {size}. Sie wurde entfernt; versuchen Sie es später erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation>Die heruntergeladene Datei ist nicht die veröffentlichte: Ihr SHA-256 ist {found}, erwartet wird {expected}. Sie wurde entfernt; verwenden Sie sie auch nicht aus anderer Quelle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation>SpectralGPT-Engine ansehen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation>SpectralGPT-Engine prüfen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation>{} wird getestet</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation>Polygone</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation>{pixels} Pixel in {units} Polygonen</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation>{pixels} Pixel</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation>Klassenraster</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation>{pixels} Pixel in {units} zusammenhängenden Flächen</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation>{raster}, kartiert mit {model}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation>Klassen nach Name zugeordnet</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation>Klassen nach Wert zugeordnet</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation>Klassen nach Name und Wert zugeordnet</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation>Referenzen</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation>Stichprobendesign</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation>geschichtete Zufallsstichprobe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation>Referenzwerte</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation>Zusammenfassung</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation>Wie es entstanden ist</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation>Precision (Nutzergenauigkeit): welcher Anteil dessen, was als eine Klasse kartiert ist, diese Klasse ist. Recall (Produzentengenauigkeit): welcher Anteil dessen, was eine Klasse ist, als diese kartiert ist. Mittelwerte gelten über die Klassen, die in den Referenzen oder der Karte vorkommen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation>Genauigkeit einer Klassenkarte</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation>Gesamtgenauigkeit, flächengewichtet</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation>Gesamtgenauigkeit der Stichprobe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation>Kappa der Stichprobe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation>Mittlere Überlappung (IoU) der Stichprobe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation>Mittleres F1 der Stichprobe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation>Nutzergenauigkeit</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation>Produzentengenauigkeit</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation>Kartiert, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation>Geschätzt, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation>{level}-Intervall, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation>Flächengewichtete Genauigkeit und Flächen</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation>Schätzungen für die ganze Karte aus der geschichteten Stichprobe (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57): Jede Klasse zählt nach ihrer Fläche, nicht nach ihren Punkten. Die geschätzten Flächen sind um die Fehler der Karte bereinigt; geben Sie diese an, mit ihren Intervallen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation>Intervalle: {level}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation>Geschätzte Flächenanteile</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation>Referenz</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation>Kartiert</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation>Precision (Nutzergenauigkeit)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation>Recall (Produzentengenauigkeit)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation>F1 jeder Klasse</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation>{value} ({level}-Intervall {interval})</translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation>*** steht für eine Anmeldung oder einen Zugangsschlüssel, die Berichte weglassen: Setzen Sie Ihre eigenen ein.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation>wahr ↓ kartiert →</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation>Summe</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation>Keine Werte.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation>Erstellt mit SpectralGPT für QGIS {version}</translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation>{raster}, Zeile {row}, Spalte {column}: Bild, Labels, Karte</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation>Zweiter Zeitpunkt</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation>Stellen mit Labels</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation>Kanäle</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation>{pixels} px zu {size} m</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation>{file}, Feld {field}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation>Gelände, das es nicht gesehen hat</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation>Was es malt</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation>Maskierte Eingabe ({share} verdeckt), Rekonstruktion, Fehler (schwarz: keiner) in {raster}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation>Um dasselbe noch einmal zu tun:</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation>Backbone, auf {rasters} Rastern ohne Labels vortrainiert</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation>gelernt</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation>zufällige Gewichte</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation>Dauer</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation>{seconds} s, Prozesse: {processes}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation>Training</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation>Epoche</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation>Verlust</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation>dieses Netz</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation>Interpolation</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation>Mittelwert des Kanals</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation>Fehler auf Zurückgehaltenem</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation>mittlerer quadratischer Fehler</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation>Die Bilder waren zu klein, um etwas davon zurückzuhalten.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation>{measure}. {windows} Fenster von {pixels} px.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation>Stufe</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation>Batches</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation>alle</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation>Die ersten {shown} von {all}.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation>Szenen mit Labels</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation>Daten und Einstellungen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation>Noch einmal ausführen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation>Mit dem Python der Engine, im Ordner der Erweiterung:</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation>Segmentierung, {classes} Klassen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation>Szenenklassifikation, {classes} Klassen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation>Änderungserkennung, {classes} Klassen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation>schnell: ein Kopf auf dem eingefrorenen Backbone</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation>Adapter: wenige Gewichte des Backbones lernen mit</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation>vollständig: alle Gewichte lernen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation>nicht bekannt: Es konnten keine Labels zurückgehalten werden</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation>Beurteilt auf</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation>Zurückgehaltene Szenen</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation>Zurückgehaltene Pixel</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation>Auf zurückgehaltenen Labels</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation>Pixel mit Labels</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation>Farbe</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation>Labels jeder Klasse</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation>Beispiele</translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation>Eine Stichprobe von {1} Punkten kann {2} Klassen nicht abdecken. Verlangen Sie mindestens {3} Punkte, besser {4}.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation>Die Karte {1} hat Dezimalzahlen ({2}), erwartet werden ganze Zahlen, die für Klassen stehen. Wählen Sie eine Klassenkarte, wie &#x27;Landbedeckungskarte&#x27; sie erstellt, oder wandeln Sie sie um (Raster &gt; Konvertierung &gt; Umwandeln, Ausgabedatentyp Byte), wenn ihre Zahlen Klassen sind.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation>{1} ist ein Bild (Kanäle: {2}, {3}), erwartet wird eine Klassenkarte: ein Kanal mit ganzen Zahlen, die für Klassen stehen. Wählen Sie die Karte, die &#x27;Landbedeckungskarte&#x27; aus dem Bild erstellt. Um ein Modell zu bewerten, geben Sie &#x27;Karte bewerten&#x27; das Bild und das Modell.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation>Die Klassen der Karte werden gezählt</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>Die Karte {1} hat mehr als {2} verschiedene Werte, erwartet werden Klassen. Wählen Sie eine Klassenkarte, wie &#x27;Landbedeckungskarte&#x27; sie erstellt.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation>. Wählen Sie eine Klassenkarte.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation>Die Karte wird an den Referenzen gelesen</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation>{1} hat mehrere Kanäle wie ein Bild; bewertet wurde der erste als Klassenkarte. Wenn es ein Bild ist, wählen Sie die daraus erstellte Karte, oder zusätzlich ein Modell.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation>Die Karte hat unter keiner der {1} Referenzen {2} eine Klasse: Sie hat dort keine Daten. Wählen Sie Referenzen auf dem kartierten Teil oder eine andere Karte.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation>Die Karte hat keine Klasse für {1}: {2} Referenzproben zählen als Fehler. Ist es eine der Klassen der Karte, geben Sie beiden denselben Namen; wo die Wahrheit nicht bekannt ist, lassen Sie sie leer.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation>Die Karte hat keine Klasse für {1}: {2} Referenzproben wurden als nicht beschriftet angesehen und ausgelassen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation>{1} von {2} Referenzproben liegen dort, wo die Karte keine Daten hat; sie werden ausgelassen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation>Die Referenzen {1} sind {2}; für das Design &#x27;stratified&#x27; werden Punkte erwartet, die zufällig aus jeder Klasse der Karte gezogen wurden. Ziehen Sie sie mit &#x27;Stichprobe einer Karte ziehen&#x27;, oder wählen Sie das Design &#x27;simple&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation>Benachbarte Pixel sind nicht unabhängig: Die Intervalle gelten über die {1} Referenzflächen, nicht über die {2} Pixel. Für Zahlen, die für die ganze Karte gelten, ziehen Sie eine geschichtete Zufallsstichprobe.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation>{1} Referenzflächen sind wenige: Die Intervalle sind weit und selbst ungenau.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation>{1} von {2} Punkten liegen in dieser Karte auf einer anderen Klasse als der, aus der sie gezogen wurden: Die Stichprobe gehört zu einer anderen Karte. Ihre Schichten wurden mit ihren Gewichten verwendet (Stehman 2014), unter der Annahme, dass beide Karten dieselbe Fläche abdecken.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation>In {1}, {2} der Karte, hat kein Punkt ein Label erhalten: Die flächenkorrigierten Zahlen gelten für den Rest. Vergeben Sie dort Labels für Punkte.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation>In {1} hat nur ein Punkt ein Label erhalten: Intervalle, die dessen Varianz brauchen, fehlen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation>Keine Klasse der Referenzen {1} ist eine Klasse der Karte. Die Referenzen haben {2}; die Karte hat {3}. Wählen Sie das Feld, dessen Werte die Klassen der Karte sind, nach Name oder Wert, oder benennen Sie die Klassen um.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation>Die Klassen wurden nach Wert zugeordnet, obwohl ihre Namen abweichen: {1}. Geben Sie ihnen dieselben Namen, wenn das falsch ist.</translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation>Die Referenzen {1} haben die Felder &#x27;{2}&#x27; und &#x27;{3}&#x27; einer gezogenen Stichprobe, aber nicht jeder Punkt hat beide: Ihre Schichten können nicht verwendet werden, und die Zahlen gelten vielleicht nicht für die ganze Karte. Entfernen Sie Punkte, die nicht gezogen wurden, oder füllen Sie beide Felder aus.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation>{1} Punkte: {2}</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation>Füllen Sie das Feld &#x27;{1}&#x27; mit der wahren Klasse jedes Punktes aus, nach Name oder Wert, vom ersten an; bewerten Sie dann die Karte damit.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation>Die Klasse {1} hat nur {2} Pixel, weniger als die {3} Punkte, die von jeder Klasse gewünscht sind: Alle werden genommen.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation>Die Klasse {1} erhält {2} Punkt: Ihre Genauigkeit wird kein Intervall haben. Verlangen Sie mehr Punkte oder eine größere Mindestzahl.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation>{1} Punkte werden statt {2} gezogen: Jede Klasse braucht ihre Mindestzahl.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation>Punkte werden gezogen</translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation>Jede Schicht mit einer Fläche braucht einen Punkt, und es muss mindestens eine geben.</translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation>{1} von {2} Referenzen sind Labels, mit denen das Modell trainiert wurde, daher ist die Genauigkeit zu hoch. Verwenden Sie Referenzen, die nicht im Training waren.</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation>die Namen nummerieren die Kanäle nur</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation>die SR_-Namen sagen nicht, welcher Landsat es ist</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation>die Namen könnten die von Sentinel-2 oder von Landsat sein</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation>{1}. Das Modell braucht {2}; nicht gefunden: {3}. </translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation>Das Raster hat nur einen Kanal, {1}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation>Die {1} Kanäle des Rasters haben weder Namen noch Wellenlängen</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation>Die {1} Kanäle des Rasters sind {2}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>Mindestens {1} Kanäle werden in einem Raster benötigt. Gehört diese Datei zu einem Satellitenprodukt (Sentinel-2, Landsat, HLS), macht &#x27;Satellitenprodukt öffnen&#x27; aus allen seinen Kanälen ein Raster. Andernfalls stapeln Sie die Kanaldateien mit Raster &gt; Sonstiges &gt; Virtuelles Raster generieren, jede Datei als eigener Kanal.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation>Mindestens {1} Kanäle sind nötig: Verwenden Sie ein Raster mit allen oder ein anderes Modell.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation>Geben Sie den Kanälen Beschreibungen wie B02, oder tragen Sie in BANDS die Kanalnummern des Rasters in der Reihenfolge des Modells ein.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation> Wenn die Reihenfolge {1} ist ({2}), ist BANDS {3}.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation>BANDS nennt Kanal {1}, die Kanäle des Rasters sind aber {2}. Kanalnummern zählen ab 1, und ein Alphakanal kann nicht verwendet werden.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation>nicht in BANDS</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation>BANDS nennt den Rasterkanal {1} zweimal, für {2} und für {3}. Jeder Kanal des Modells braucht einen eigenen Rasterkanal.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation>BANDS, Stelle {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation>BANDS hat {1} Nummern, das Modell braucht aber {2} ({3}){4}. Geben Sie für jeden die Nummer eines Rasterkanals an, in dieser Reihenfolge.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation>vertritt {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation>nicht gefunden</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation>Name {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation>Die Rasterkanäle {1} könnten alle {2} des Modells sein: {3}. Geben Sie mit BANDS an, welcher zu verwenden ist.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation>Wellenlänge {1} nm</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation>weggelassen: kein {1}</translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation>&#x27;{1}&#x27; ist kein Modell von SpectralGPT oder ist beschädigt. Kopieren Sie die Datei erneut.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation>Die Modellkarte kann nicht gelesen werden: Sie wurde nicht von dieser Version von SpectralGPT geschrieben. Importieren Sie das Modell erneut, oder aktualisieren Sie die Erweiterung.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation>Die Modellkarte nennt die Aufgabe &#x27;{1}&#x27;, erwartet wird eine von {2}. Aktualisieren Sie die Erweiterung.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation>Die Modellkarte von &#x27;{1}&#x27; kann nicht stimmen: {2}. Kopieren Sie die Datei erneut, oder erstellen oder importieren Sie das Modell noch einmal.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation>einer ihrer Namen oder eine ihrer Beschreibungen ist kein Text</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation>ihr Schwellenwert, ihre Architektur, ihr Training oder ihre Genauigkeit ist keine Tabelle</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation>ihre Klassen haben die Werte {1}, erwartet werden verschiedene von 0 bis {2}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation>eine ihrer Klassen hat den Wert für fehlende Daten, {1}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation>eine Klasse hat die Farbe &#x27;{1}&#x27;, erwartet wird eine wie #1f78b4</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation>sie hat keine Bänder, oder eines, dessen Wellenlänge keine Zahl ist</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation>die Seite ihres Fensters, ihre Bänder je Gruppe oder ihre Pixel sind nicht größer als 0</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation>&#x27;{1}&#x27; enthält keine Gewichte zum Weitertrainieren: Erwartet wird ein .safetensors-Modell. Ein .onnx-Modell kann nur vorhersagen; wählen Sie das Modell, aus dem es exportiert wurde.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation>Die Gewichte in &#x27;{1}&#x27; können nicht gelesen werden. Kopieren Sie die Datei erneut.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation>Die Gewichte in &#x27;{1}&#x27; passen nicht zu dem Netz, das die Modellkarte beschreibt: {2} fehlen, sind zu viele oder haben eine andere Form ({3}). Trainieren oder importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation>Die Bilder haben kein gültiges Pixel zum Trainieren. Prüfen Sie ihre NoData-Werte.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation>Es werden keine Labels zurückgehalten, daher kann das Modell nicht beurteilt werden: Um mindestens zwei Klassen zu beurteilen, braucht jede Labels an zwei Stellen, die mehr als {1} Pixel auseinander liegen und nicht durch Labels dazwischen verbunden sind. Zeichnen Sie eine zweite Stelle für {2}{3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation>{1}: kann nicht beurteilt werden. Alle Labels einer solchen Klasse liegen an einer Stelle, näher als {2} Pixel beieinander, oder nur neben Labels, die zum Lernen gebraucht werden. Zeichnen Sie für jede eine zweite Stelle, weiter weg.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation>Die Labels liegen an {1} Stellen, die mehr als {2} Pixel auseinander sind, erwartet werden mindestens {3}, eine für jeden Teil. Zeichnen Sie Labels an mehr Stellen, oder verlangen Sie weniger Teile.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation>Die Labels liegen zu dicht beieinander, um nach Stellen zurückgehalten zu werden, die mehr als {1} Pixel auseinander sind: Sie wurden in Quadrate von {2} Pixeln geschnitten, und {3} Pixel mit Label zwischen denen zum Lernen und denen zum Beurteilen werden nicht verwendet.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation>Die Ausdehnung {1} hat keine Fläche: Sie braucht xmin &lt; xmax und ymin &lt; ymax. Zeichnen Sie sie neu, oder lassen Sie sie leer, um das ganze Raster zu verarbeiten.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation>Die Ausdehnung {1} lässt sich nicht in das KBS des Rasters ({2}) bringen. Geben Sie sie im KBS des Rasters an.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation>Die Ausdehnung {1} berührt das Raster nicht, dessen Grenzen {2} in {3} sind. Wählen Sie eine Ausdehnung auf dem Raster, oder prüfen Sie das KBS der Ausdehnung.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation>Der Ordner {1} enthält kein Raster, das auf {2} endet. Wählen Sie einen anderen Ordner, oder geben Sie die Raster einzeln an.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation>Es wurden keine Bilder angegeben. Wählen Sie Raster oder Ordner, von denen gelernt werden soll.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation>Raster {1} von {2} wird angesehen</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation>Ausgelassen: {1}. {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation>Keines der {1} Raster kann dem Modell dienen. {2} Wählen Sie Raster mit den Kanälen des Modells.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Nur eine Klasse in der Eingabe ({1}): {2}; erwartet werden mindestens {3}. Vergeben Sie auch Labels für das, was nicht zu dieser Klasse gehört, zum Beispiel als &#x27;Sonstiges&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>Die Eingabe ({1}) hat {2} Klassen ({3}), erwartet werden höchstens {4}. Wählen Sie das Feld der Klasse, nicht eines, das die Objekte nummeriert, oder fassen Sie Klassen zusammen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation>Die Klassen {1} unterscheiden sich nur in Groß- und Kleinschreibung; sie gelten als verschieden.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation>Die Klasse &#x27;{1}&#x27; erhielt die Farbe &#x27;{2}&#x27;, erwartet werden Rot, Grün und Blau als #rrggbb, zum Beispiel #1f78b4.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation>Das Aussehen der Klassen wurde als {1} angegeben, erwartet wird eine JSON-Liste wie [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}]. Korrigieren Sie sie, oder lassen Sie das Feld leer.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation>{1} enthält Listen, erwartet wird eine Klasse für jedes Objekt. Wählen Sie ein Feld mit Text oder ganzen Zahlen, oder erlauben Sie mehrere Labels für eine Szene.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation>{1} enthält Dezimalzahlen; da alle ganzzahlig sind, sind sie Klassen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation>{1} enthält {2}, erwartet werden Klassen als Text oder ganze Zahlen. Wählen Sie ein anderes seiner Felder: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation>{1} ist in allen {2} Objekten leer, erwartet wird die Klasse eines jeden. Füllen Sie das Feld aus, oder wählen Sie ein anderes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation>Eingabe ({1}) {2}: {3}: {4}. </translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation>Wählen Sie eines davon.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation>Fügen Sie eines mit Text oder ganzen Zahlen hinzu und füllen Sie es aus.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation>{1} enthält Dezimalzahlen wie {2}, erwartet werden Klassen als Text oder ganze Zahlen. Wählen Sie ein anderes Feld, oder machen Sie mit dem Feldrechner Klassen aus den Zahlen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation>Die Eingabe ({1}) {2} gibt einer Stelle mehrere Labels, erwartet wird eines für jedes Pixel. Wählen Sie ein Feld mit einer Klasse, oder trainieren Sie auf Szenen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation>Die Eingabe ({1}) {2} ergibt auf dem Raster kein Pixel mit Label: Sie berührt nur dessen Rand, oder dort ist NoData. Zeichnen Sie Labels auf dem Raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation>Die Eingabe ({1}) {2} gibt {3} Pixeln ein Label; {4} davon wurden zufällig gezogen, von kleinen Klassen alle.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation>Die Eingabe ({1}) {2} ist ein Klassenraster, erwartet werden Szenen: Polygone oder Punkte mit einem Klassenfeld. Wählen Sie einen Vektorlayer, oder trainieren Sie Segmentierung.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation>{1} von {2} Szenen der Eingabe ({3}) {4} sind doppelt mit verschiedenen Klassen gezeichnet, etwa {5}; erwartet wird eine Klasse für jede Szene. Korrigieren Sie diese Objekte (Objektkennungen), oder haken Sie &#x27;Eine Szene kann mehrere Labels haben&#x27; an und geben Sie einem Objekt alle seine Labels, durch Semikolons getrennt.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation>{1} von {2} Szenen der Eingabe ({3}) {4} sind doppelt mit verschiedenen Klassen gezeichnet, etwa {5}; aus keiner von ihnen wird gelernt. Korrigieren Sie diese Objekte (Objektkennungen).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation>{1}; erwartet wird eine Klasse für jedes Pixel. Korrigieren Sie diese Objekte (Objektkennungen), oder schneiden Sie mit &#x27;Differenz&#x27; eines aus dem anderen heraus.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation>{1}; diese Pixel werden ignoriert.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation>{1} enthält Dezimalzahlen wie {2}, erwartet wird ein Raster, dessen Werte Klassen sind. Wählen Sie ein anderes Raster, oder machen Sie Klassen aus den Zahlen (&#x27;Nach Tabelle neuklassifizieren&#x27; in QGIS).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation>{1} hat mehr als {2} verschiedene Werte, erwartet wird ein Raster, dessen Werte Klassen sind. Wählen Sie das Klassenraster, nicht das Bild.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation>{1} hat kein Pixel mit Label: Alle sind NoData ({2}). Wählen Sie ein anderes Raster, oder korrigieren Sie seinen NoData-Wert.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation>{1} hat {2} Kanäle; der erste enthält die Klassen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation>{1}: Es ist kein NoData-Wert erklärt, daher gilt {2} als Klasse, mit {3} Pixeln. Steht der Wert für das, was nicht beschriftet ist, setzen Sie ihn in der Datei als NoData (gdal_edit.py -a_nodata {4}).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation>Die Eingabe ({1}) {2} liegt neben dem Raster: Ihre Grenzen sind {3}, die des Rasters {4}. Wählen Sie Labels auf dem Raster, oder prüfen Sie das KBS beider Layer.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation>Die Eingabe ({1}) {2} hat keine Georeferenz; da sie die Größe des Rasters hat, {3} x {4} Pixel, wird sie Pixel für Pixel darübergelegt.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation>Die Eingabe ({1}) {2} hat kein KBS; es wird das des Rasters angenommen.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation>Die Eingabe ({1}) {2} ist ein Klassenraster, das für jedes Pixel ein Label hat. Für mehrere Labels je Szene wählen Sie einen Vektorlayer.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation>Die Datei ({1}) {2} kann weder als Vektorlayer noch als Raster gelesen werden. Öffnen Sie sie zur Prüfung in QGIS und exportieren Sie sie erneut, als GeoPackage oder GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation>{1} Objekte der Eingabe ({2}) {3} sind weder Polygone noch Punkte; sie werden ignoriert.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation>{1} von {2} Objekten der Eingabe ({3}) {4} haben keine Klasse im Feld &#x27;{5}&#x27;; sie werden ignoriert.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation>In {1} Ziehungen wurde kein Ausschnitt mit gültigen Pixeln gefunden: Die Bilder sind fast ganz NoData. Schneiden Sie die Raster auf ihre Daten zu, oder prüfen Sie ihre NoData-Werte.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation>Das Raster {1} hat keinen Platz neben dem, was zum Beurteilen zurückgehalten wird. Geben Sie größere Raster an oder mehr davon.</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation>NoData-Wert {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation>zusätzlicher NoData-Wert {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation>0 in allen verwendeten Kanälen gilt als NoData, da die Datei keinen Wert angibt</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation>Es wurde kein Raster angegeben. Wählen Sie eine Rasterdatei.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation>Das Raster {1} existiert nicht. Prüfen Sie den Pfad, und ob das Laufwerk eingebunden ist.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>{1} ist ein Ordner, kein Raster. Ist es ein Satellitenprodukt (Sentinel-2, Landsat, HLS), öffnen Sie es zuerst mit &#x27;Satellitenprodukt öffnen&#x27;. Andernfalls wählen Sie eine Rasterdatei, oder stapeln Sie Kanaldateien mit Raster &gt; Sonstiges &gt; Virtuelles Raster generieren, jede Datei als eigener Kanal.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation>Das Raster {1} ist eine leere Datei. Laden Sie sie erneut herunter, oder exportieren Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation>{1} ist ein Archiv, kein Raster. Ist es ein Satellitenprodukt (Sentinel-2, Landsat), öffnen Sie es zuerst mit &#x27;Satellitenprodukt öffnen&#x27;. Andernfalls entpacken Sie es, oder geben Sie das Raster darin als {2}{3}/NAME.tif an.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation> Es hat Passpunkte oder RPCs: Transformieren Sie es zuerst (Raster &gt; Projektionen).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation>Das Raster {1} hat kein Koordinatenbezugssystem.{2} Weisen Sie das richtige in QGIS mit Raster &gt; Projektionen &gt; Projektion zuweisen zu, oder geben Sie es als KBS an.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation>Das Raster {1} hat keine Geotransformation, daher sind seine Lage und Pixelgröße unbekannt. Georeferenzieren Sie es in QGIS (Layer &gt; Georeferenzierung), oder geben Sie das KBS ausdrücklich an, um in Pixelkoordinaten zu arbeiten.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation>Das Raster {1} ist durch Passpunkte oder RPCs verortet, die kein Pixelgitter ergeben. Transformieren Sie es zuerst in QGIS (Raster &gt; Projektionen &gt; Transformieren), und geben Sie das Ergebnis an.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation>Das Raster {1} hat eine Geotransformation, deren Pixel keine Fläche haben. Georeferenzieren Sie es erneut.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation>&#x27;{1}&#x27; ist kein Koordinatenbezugssystem. Geben Sie einen Code wie EPSG:32631 an.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation>Das ist die Adresse eines Dienstes, nicht einer Rasterdatei. Fügen Sie den Dienst in QGIS als Layer mit Messwerten (WCS) hinzu und wählen Sie diesen Layer, oder laden Sie das Gebiet als GeoTIFF herunter.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation>Er kommt von einem anderen Rechner: Prüfen Sie die Adresse, das Netz und ob Sie dort lesen dürfen. Der Server muss Teile einer Datei senden (HTTP-Range-Anfragen); tut er das nicht, laden Sie die Datei zuerst herunter.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation>Die Datei ist vielleicht beschädigt oder unvollständig heruntergeladen: Öffnen Sie sie zur Prüfung in QGIS und kopieren Sie sie erneut, laden Sie sie erneut herunter oder exportieren Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation>Das Raster {1} hat seine Kanäle anscheinend zuletzt: {2} Seiten von {3} x {4} Pixeln, also ein Bild mit {5} Zeilen, dessen Kanäle als Spalten gespeichert wurden. Schreiben Sie es erneut mit den Kanälen zuerst (Form {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation>Sind sie ein Satellitenprodukt (Sentinel-2, Landsat, HLS), öffnen Sie es zuerst mit &#x27;Satellitenprodukt öffnen&#x27;. Andernfalls wählen Sie eines davon, oder stapeln Sie sie (Raster &gt; Sonstiges &gt; Virtuelles Raster generieren).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation>Das Raster {1} hat komplexe Werte (Radar?). Wandeln Sie es zuerst in reelle Werte um.</translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation>Die Bilder haben unterschiedlich viele Kanäle, erwartet werden in allen gleich viele. Wählen Sie für jedes dieselben Kanäle.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation>Werte wie in der Datei</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation>Die eigenen Skalierungen und Versätze der Datei können nicht stimmen, da eine Skalierung 0 oder eine der Angaben keine Zahl ist: Sie wurden nicht beachtet. Schreiben Sie die richtigen (gdal_edit.py -scale 0.0001 -offset 0) oder keine (-scale 1 -offset 0).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation>{1} mit dem Maßstab {2} und dem Offset {3} der Datei</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation>{1} mit den Maßstäben und Offsets der Datei</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation>{1}-Werte / 255</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation>Das Raster hat 8-Bit-Werte, die für die Anzeige gestreckt oder nicht kalibriert sind: Sie wurden nach Division durch 255 als Reflektanz genommen, und die Ergebnisse können schlecht sein. Verwenden Sie möglichst das Originalprodukt.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation>{1}-Werte / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Die Werte des Rasters ergeben Reflexionsgrade bis {1}, erwartet werden 0 bis etwa 1: Die Ergebnisse können falsch sein. Prüfen Sie Skalierung und Versatz in der Datei, oder schreiben Sie Reflexionsgrade 0..1 oder Reflexionsgrade x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation>Einige Werte des Rasters ergeben Reflektanzen von {1}, die kein Boden hat ({2} in der Datei): NoData, das die Datei nicht angibt, würde als Boden kartiert und verdürbe die Fenster ringsum. Geben Sie den Wert als zusätzlichen NoData-Wert des Layers an, oder in der Datei (gdal_edit.py -a_nodata).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation>{1}-Werte als Reflexionsgrad genommen</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation>ergibt Reflexionsgrad</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation>Die Werte des Rasters reichen bis {1}: Sie wurden als Reflektanz x 10000 gelesen, womit selbst die hellsten Stellen dunkel bleiben. Sind es Strahldichten, rechnen Sie sie zuerst in Reflektanz um.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation>{1}-Werte / 100</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Die Werte des Rasters reichen bis {1}: Sie wurden als Prozent genommen und durch 100 geteilt. Wenn das falsch ist, schreiben Sie Reflektanz 0..1 oder Reflektanz x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation>uint16-Werte von {1}, Level 1 (Oberrand der Atmosphäre)</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation>uint16-Werte von {1}, Bodenreflexion der Collection 2</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation>uint16-Werte von {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation>{1}: aus dem Namen des Produkts und den Werten angenommen, da die Datei keine Skalierung enthält.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation>in den Metadaten genannt</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation>Processing Baseline {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation>dunkle Pixel zeigen, dass der Offset von {1} ({2}) schon entfernt ist</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation>nach Abzug des Offsets von {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation>Keine dunklen Pixel zeigen, ob die Werte den Offset von 1000 (0.1 in Reflektanz) enthalten, den Sentinel-2-Produkte seit der Processing Baseline 04.00 haben; es wurde keiner abgezogen. Wenn sie ihn enthalten, ziehen Sie ihn zuerst ab, oder lassen Sie den Namen des Produkts im Dateinamen stehen.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation>nach Abzug des Offsets von 1000, den dunkle Pixel zeigen</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation>Die dunkelsten Pixel aller Kanäle liegen bei {1} oder darüber (in Einheiten von 1/10000): Der Offset von 1000, den Sentinel-2-Produkte seit der Processing Baseline 04.00 enthalten, wurde angenommen und abgezogen.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation>Das Raster {1} überlappt das erste nicht: Seine Grenzen sind {2}, die des ersten {3}. Wählen Sie zwei Raster derselben Stelle, und prüfen Sie das KBS beider Layer.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation>Das Raster {1} hat kein gültiges Pixel ({2}). Prüfen Sie seinen NoData-Wert und die Ausdehnung.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation>Die Eingabe ({1}) {2} liegt neben dem Raster: Ihre Grenzen sind {3} in {4}, die des Rasters {5} in {6}. Wählen Sie eine Eingabe ({7}) auf dem Raster, oder prüfen Sie das KBS beider Layer.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation>Die Datei ({1}) {2} existiert nicht. Wählen Sie eine Vektordatei mit {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation>. Öffnen Sie sie zur Prüfung in QGIS und exportieren Sie sie erneut, zum Beispiel als GeoPackage.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation>Die Datei ({1}) {2} enthält nicht, was erwartet wird: {3} (sie hat {4} Objekte vom Typ {5}). Wählen Sie einen Layer mit {6}{7}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation>Die Datei {2} ({1}) hat mehrere Layer: {3}. Geben Sie an, welcher gemeint ist, etwa {4}|layername={5}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation>Die Datei ({1}) {2} liegt in &#x27;{3}&#x27; und das Raster in &#x27;{4}&#x27;: es ist kein Weg vom einen zum anderen bekannt. Geben Sie den Layer im KBS des Rasters, oder setzen Sie das KBS, in dem seine Koordinaten wirklich liegen.</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation>Das Raster wird geöffnet</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation>Seine Werte werden angesehen</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation>Die Modelle werden beurteilt</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation>PyTorch {1} findet keine verwendbare GPU: Es wurde nur für den Prozessor gebaut, oder der Treiber fehlt oder ist zu alt.</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation>Ein Matrixprodukt auf der GPU weicht von dem des Prozessors um {1} seiner Größe ab.</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation>Diese Bibliotheken der Engine funktionieren nicht: {1}. Reparieren Sie die Engine (in QGIS: SpectralGPT &gt; Engine &gt; Reparieren).</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation>Prozessor und GPU</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation>Das Modell &#x27;{1}&#x27; standardisiert jede Szene mit Statistiken aller ihrer Pixel, die Deepness nicht berechnet: Seine Karten würden abweichen. Exportieren Sie es als einfaches ONNX.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation>Der Graph für Deepness wird geschrieben</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation>Vergleich mit dem Modell</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation>Der Graph für Deepness weicht vom Modell um {1} in einer Wahrscheinlichkeit ab, zulässig ist {2}. Exportieren Sie es als einfaches ONNX, und melden Sie bitte die Modellkarte.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation>Das Modell wird geschrieben</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation>Ordnen Sie in Deepness die Kanäle in dieser Reihenfolge zu: {1}{2}.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation>In Deepness müssen die Werte Reflektanz x {1} sein, ohne addierten Offset: Ziehen Sie vorher die 1000 ab, die Sentinel-2-Produkte seit der Processing Baseline 04.00 enthalten.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation>Das Modell wird geprüft</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation>Das Modell &#x27;{1}&#x27; hat keine Gewichte zum Weitertrainieren: Es liegt kein {2} daneben. Exportieren Sie es stattdessen als ONNX.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation>Das Modell &#x27;{1}&#x27; ist ein Backbone: Es sagt nichts vorher, solange es nicht feinabgestimmt ist, also gibt es nichts, was anderswo laufen könnte. Exportieren Sie seine Gewichte (safetensors), oder stimmen Sie es zuerst fein ab.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation>Der exportierte Graph weicht vom Netz um {1} in einer Wahrscheinlichkeit ab, zulässig ist {2}. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation>Exportieren Sie mit vollen Gewichten (half aus).</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation>Bitte melden Sie die Modellkarte.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation>Das Netz kann mit dieser Version von torch nicht exportiert werden. Bitte melden Sie das.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation>Die Gewichte des Modells brauchen mehr als die 2 GB, die eine ONNX-Datei fassen kann. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation>Verwenden Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation>Exportieren Sie mit Gewichten halber Genauigkeit.</translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation>Das Modell braucht {1} GB; eine ONNX-Datei kann 2 GB fassen. Schreiben Sie stattdessen ein .safetensors-Modell.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation>Der Graph von &#x27;{1}&#x27; enthält das Gewicht &#x27;{2}&#x27; seines Netzes nicht. Verwenden Sie für dieses Modell ONNX Runtime, oder legen Sie seine .safetensors-Datei daneben.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation>Das Modell &#x27;{1}&#x27; ist auf der GPU gescheitert. Wählen Sie das Gerät &#x27;cpu&#x27;; wenn es ein mitgeliefertes Modell ist, melden Sie das bitte.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Die GPU hat zu wenig freien Speicher für das Modell &#x27;{1}&#x27;. Schließen Sie andere Programme, oder wählen Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation>&#x27;{1}&#x27; wird kopiert, wie es ist: Die Ausgabe muss auf {2} enden, nicht auf &#x27;{3}&#x27;. Um eine andere Art Datei daraus zu machen, verwenden Sie &#x27;Modell exportieren&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation>Das Modell wird kopiert</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation> Es scheint für die Erweiterung Deepness gemacht zu sein: Verwenden Sie es dort.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{1}&#x27; enthält keine SpectralGPT-Modellkarte: Welche Kanäle es braucht, nach Wellenlänge, und wie die Werte skaliert sind, steht nicht darin, sodass es hier nicht laufen kann.{2} Erwartet wird ein Modell, das diese Erweiterung erstellt hat, oder ein veröffentlichter SpectralGPT-Checkpoint (.pth).</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation>Der Checkpoint wird gelesen</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation>Der Fingerabdruck des Checkpoints wird genommen</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation>Dieser Checkpoint ist ein Backbone: Er sagt nichts vorher, solange er nicht feinabgestimmt ist, daher kann er nicht zu .onnx werden. Geben Sie eine Ausgabe an, die auf .safetensors endet, und führen Sie davon aus eine Feinabstimmung durch.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation>Der Graph von &#x27;{1}&#x27; hat die Eingänge {2} und die Ausgänge {3}; ein Modell für {4} braucht {5} und gibt Wahrscheinlichkeiten aus. Importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation>Der Graph von &#x27;{1}&#x27; nimmt {2} (Kanäle, Zeilen, Spalten), seine Modellkarte sagt {3}. Die Datei passt nicht zu ihrer Modellkarte: Erstellen oder importieren Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation>Das Modell &#x27;{1}&#x27; hat Werte der Form {2} ausgegeben, seine Modellkarte hat {3} Klassen. Die Datei passt nicht zu ihrer Modellkarte: Erstellen oder importieren Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation>Das Modell gab Bewertungen aus, die keine Zahlen sind (NaN): Es ist beschädigt, oder das Raster hat Werte fern von denen, für die es gemacht wurde. Prüfen Sie Werte und NoData des Rasters, stellen Sie das Gerät auf &#x27;cpu&#x27;, oder erstellen oder importieren Sie das Modell neu.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation>{1} Stattdessen wird ONNX Runtime verwendet.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation>Einmal gemessen: {1} führt dieses Modell nicht aus: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation>Einmal gemessen: {1}: {2}; nicht verwendet</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation>Einmal gemessen: {1}: {2} ms je Fenster{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation>Eine GPU wurde verlangt, und keine ist verwendbar: {1}. Wählen Sie das Gerät &#x27;auto&#x27; oder &#x27;cpu&#x27;, oder installieren Sie die Engine für Ihre GPU.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation>Die GPU wird nicht verwendet, sondern der Prozessor. {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation>{1} von {2} Szenen hat ein früherer Lauf abgeschlossen; sie werden ausgelassen</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation>„{1}“ konnte nicht auf den neuesten Stand gebracht werden: Ein anderes Programm, etwa eine Tabellenkalkulation, hält die Datei. Schließen Sie sie dort und starten Sie dasselbe noch einmal, dann wird nur die Tabelle geschrieben; bis dahin nennt „{2}“ alle Szenen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation>{1} von {2} Szenen konnten nicht berechnet werden: {3}. Die anderen sind fertig; &#x27;{4}&#x27; führt alle auf. Beheben Sie die Ursache, und starten Sie dasselbe noch einmal: Fertiges wird ausgelassen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation>Zellen werden klassifiziert</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation>Die Zellengröße {1} ist kleiner als ein Pixel ({2} KBS-Einheiten). Geben Sie eine größere an, oder 0 für das Fenster des Modells.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation>Die Pixel des Rasters von {1} m werden auf {2} m umgerechnet, sodass eine Zelle von {3} px {4} m breit ist; das Modell wurde mit {5} m trainiert.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation>Eine Zelle zeigt dem Modell das {1}-Fache der Fläche, mit der es trainiert wurde ({2} m breit): Die Labels können schlecht sein. Setzen Sie die Zellengröße auf 0, um den Maßstab des Modells zu nehmen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation>{1} {2}: Weniger als die Hälfte ihrer Fläche liegt auf gültigen Pixeln des Rasters.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation>Nichts ({1}) kann klassifiziert werden: Bei keinem der {2} ist mindestens die Hälfte der Pixel gültig. Wählen Sie eine kleinere Zellengröße, ein anderes Gebiet, oder prüfen Sie die NoData-Werte.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation>Ein Worker würde mit {1} auf {2} rechnen (Modell {3}), der Client mit {4} auf {5} (Modell {6}). Starten Sie die Worker mit der Umgebung und den Modellen des Clients, oder setzen Sie das Gerät auf &#x27;cpu&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation>Der Cluster hat keinen Worker, es wird also nichts berechnet: Der Lauf wartet auf einen. Starten Sie welche mit: dask worker ADDRESS, oder brechen Sie ab.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation>Der Cluster konnte eine Aufgabe nicht berechnen: Sein Scheduler ist weg, oder Worker brachen daran immer wieder ab. Sehen Sie in die Protokolle der Worker: Vielleicht fehlt es an Speicher oder an den Bibliotheken der Engine.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation>Cluster: {1} Aufgaben für {2} Worker</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation>Szenen werden klassifiziert</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation>Cluster: {1} Streifen für {2} Worker</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation>Streifen: Zeile {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation>Ein Modell für Änderungen hat zwei Klassen, unverändert und verändert; &#x27;{1}&#x27; hat {2}. Wählen Sie ein anderes Modell.</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation>Wahrscheinlichkeiten für diese Szene neu skaliert: {1} wird zu 0.5</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation>Schwelle: {1} (in der Szene gefunden)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation>Schwelle: {1} (im Modell festgelegt)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation>Schwelle: {1} (angegeben; die des Modells ist nicht bekannt)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation>Schwelle: {1} (angegeben; die des Modells ist {2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation>Die Karte wird geschrieben</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation>Schätzung: {1} Fenster, {2}{3} Arbeitsspeicher, {4} auf dem Datenträger ({5} frei)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation>Schätzung: {1} auf der Platte von „{2}“ ({3} frei)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation>{1} Arbeitsspeicher sind frei, und der Lauf braucht vielleicht {2}: er kann langsam werden oder scheitern. Schließen Sie andere Programme, oder wählen Sie weniger Threads.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation>Im Ordner „{1}“ sind {2} frei, und der Lauf braucht währenddessen {3}. Schaffen Sie Platz, wählen Sie einen anderen Ordner, oder begrenzen Sie die Ausdehnung.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation>Im Ordner „{1}“ sind {2} frei, und der Lauf braucht vielleicht {3}: er kann scheitern. Schaffen Sie Platz, oder wählen Sie einen anderen Ordner.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation>Der Speicher der GPU ist knapp: Es geht mit {1} Fenstern auf einmal weiter.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation>Der Speicher der GPU reicht nicht für ein Fenster: Es geht mit dem Prozessor weiter.</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation>Fährt fort, wo der letzte Lauf angehalten hat: {1} Fenster sind fertig</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation>Fährt fort, wo der letzte Lauf angehalten hat: {1} von {2} Zeilen sind fertig</translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation>Einmal gemessen: {1}: {2} ms je Fenster</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation>Das Modell &#x27;{1}&#x27; ist zum Trainieren; zum Ausführen braucht es eine Datei, die auf .onnx endet. Exportieren Sie es zuerst.</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation>Die Modellkarte in &#x27;{1}&#x27; nennt keine Klassen. Erstellen oder importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation>Die beiden Zeitpunkte haben keine Kanalgruppe gemeinsam: Der erste bedient die Gruppen {1} des Modells, der zweite {2}. Wählen Sie Raster desselben Sensors.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation>Im Gebiet gibt es kein gültiges Pixel: Das Raster enthält dort nur NoData. Wählen Sie ein anderes Gebiet, oder prüfen Sie die NoData-Werte.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation>Fenster: Zeile {1} von {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation>ONNX Runtime konnte {1} nicht starten: Der Treiber oder die Bibliotheken dafür fehlen oder sind zu alt. Aktualisieren Sie den Treiber, oder wählen Sie den Prozessor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation>ONNX Runtime {1} kann &#x27;{2}&#x27; nicht laden: Es ist kein vollständiges ONNX-Modell oder braucht eine neuere Version. Kopieren Sie die Datei erneut, oder aktualisieren Sie die Engine.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation>Das Modell &#x27;{1}&#x27; ist bei der Ausführung fehlgeschlagen. Erstellen oder importieren Sie es erneut; wenn es mitgeliefert wurde, melden Sie das bitte.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Zu wenig freier Speicher ({1}) für das Modell &#x27;{2}&#x27;. Schließen Sie andere Programme, oder wählen Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation>OpenVINO {1} kann &#x27;{2}&#x27; nicht ausführen: Es ist kein vollständiges ONNX-Modell oder hat Teile, die OpenVINO nicht kennt.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Der Rechner hat zu wenig freien Speicher für das Modell &#x27;{1}&#x27;. Schließen Sie andere Programme, oder wählen Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation>Eine Stelle von {1} KBS-Einheiten ist {2} x {3} Pixel groß, größer als das zu durchsuchende Gebiet ({4} x {5} Pixel). Geben Sie eine kleinere Größe an, 0 für {6} Pixel, oder eine größere Ausdehnung.</translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation>Vorher geschätzt: {1} Fenster, {2}{3}; gebraucht: {4} Fenster, {5}, {6}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation>Keine Vorschau: {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation>Vorschau: {1} x {2} Pixel von {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation>Die Karte zeigt nichts von dem Gebiet, das zu berechnen ist.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation>Die Maske berührt das zu berechnende Gebiet ({1} in {2}) nicht; ihre Polygone liegen in {3}. Wählen Sie eine andere Maske, oder prüfen Sie ihr KBS.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation>Die Maske ist kleiner als ein Pixel: Kein Pixel hat seine Mitte darin. Wählen Sie eine größere Maske.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation>Modell: {1}, Lizenz {2} ({3})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation>Modell: {1}, Lizenz {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation>Gerät: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation>{1} = Kanal {2}, {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation>{1} = weggelassen</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation>{1}, Kanäle: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation>{1}, Werte: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation>{1}, NoData: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation>Die Pixel des Rasters sind am Boden {1} m breit, die, aus denen das Modell gelernt hat, {2} m: Die Ergebnisse können schlecht sein. Tasten Sie das Raster neu ab (Raster &gt; Projektionen &gt; Transformieren), wählen Sie ein anderes Modell, oder trainieren Sie eines an diesem Raster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation>Fenster: {1} berechnet, {2} übersprungen von {3}; {4} s, {5} Mpx/s auf {6} ({7})</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation>Es wurde keine Szene angegeben. Nennen Sie Raster mit inputs, oder mit inputs_list eine Textdatei mit einem Raster je Zeile.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation>Veränderung braucht zwei Raster je Szene; angegeben wurden {1}, das letzte ist &#x27;{2}&#x27;. Geben Sie zu jeder ein erstes und ein zweites Datum an.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation>Zwei Szenen würden in dieselbe Ausgabe geschrieben: &#x27;{1}&#x27; und &#x27;{2}&#x27;. Lassen Sie eine weg, oder benennen Sie eine Datei um.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation>Die Ausgabe &#x27;{1}&#x27; ist auch eine Eingabe und würde überschrieben. Wählen Sie einen anderen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation>Die Liste der Szenen &#x27;{1}&#x27; kann nicht gelesen werden. Geben Sie eine Textdatei (UTF-8) an, mit dem Pfad eines Rasters in jeder Zeile.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; schreibt kein &#x27;{2}&#x27; neben seine Ausgabe. Es gibt: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation>Die Ausgabe &#x27;{1}&#x27; muss auf {2} enden. Geben Sie ihr einen solchen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation>Der Name eines GeoPackage darf kein „;“ enthalten, wie es der der Ausgabe „{1}“ tut. Geben Sie ihr einen anderen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation>Der Name der Ausgabe &#x27;{1}...&#x27; ist zu lang für eine Datei und was daneben steht: {2} Byte, erwartet werden höchstens {3}. Geben Sie ihr einen kürzeren Namen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation>Zwei Ausgaben würden nach &#x27;{1}&#x27; geschrieben. Geben Sie jeder einen eigenen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation>Die Ausgabe &#x27;{1}&#x27; ist ein Ordner. Geben Sie den Namen einer Datei an.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation>Der Ordner der Ausgabe &#x27;{1}&#x27; existiert nicht. Erstellen Sie &#x27;{2}&#x27;, oder wählen Sie einen anderen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation>Der Datenträger ist voll oder die Datei zu groß für ihn: &#x27;{1}&#x27; konnte nicht fertiggestellt werden. Schaffen Sie Platz, oder schreiben Sie auf einen anderen Datenträger. Von dieser Ausgabe wurde nichts behalten.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation>&#x27;{1}&#x27; kann nicht geschrieben werden. Prüfen Sie, ob Sie in diesen Ordner schreiben dürfen und ob kein anderes Programm (oder ein Layer in QGIS) die Datei belegt, oder wählen Sie einen anderen Ort.</translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation>Die Modellkarte verlangt die Schwelle {1}, die diese Version nicht kennt. Aktualisieren Sie die Erweiterung, oder geben Sie selbst eine Schwelle an.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation>Das Modell &#x27;{1}&#x27; kennt {2} Klasse; um unentschieden zu sein, braucht es zwei oder mehr. Wählen Sie ein Modell mit mehr Klassen.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation>Bei keiner Stelle von {1} ist mindestens die Hälfte der Pixel gültig{2}. Wählen Sie eine kleinere Größe, ein größeres Gebiet, oder prüfen Sie die NoData-Werte.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation>Stellen von {1}: {2} gefunden.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation>{1} Stellen wurden statt {2} gefunden: Für mehr Stellen von {3} mit einer Stelle Abstand dazwischen ist kein Platz. Wählen Sie eine kleinere Größe oder ein größeres Gebiet.</translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation>Fenster von {1} px mit einer Überlappung von {2} px über einem Raster von {3} x {4} px sind unmöglich: Größen müssen mindestens 1 sein und die Überlappung kleiner als das Fenster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation>Zonen werden klassifiziert</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation>Den Befehl &#x27;{1}&#x27; gibt es nicht. Es gibt: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation>Die Parameter von &#x27;{1}&#x27; müssen ein JSON-Objekt sein.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation>&#x27;{1}&#x27; braucht die Bibliothek &#x27;{2}&#x27;, die diese Engine nicht hat. Installieren Sie die Bibliotheken der Engine für {3} (in QGIS: SpectralGPT &gt; Engine).</translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation> Die Engine darf laut Speichergrenze {1} MB belegen: Erhöhen Sie sie in QGIS unter Einstellungen &gt; Optionen &gt; SpectralGPT, oder setzen Sie sie auf keine Grenze.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation>{1}={2} passt nicht zu {3}={4}: Erwartet wird ein positives Vielfaches. Verwenden Sie {5}={6} oder ein anderes {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation>Es gibt keine Voreinstellung &#x27;{1}&#x27;. Wählen Sie eine von {2}.</translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation>Der veröffentlichte pixelweise Kopf ist für Token von {1} Pixeln und eine Breite gemacht, die ein Vielfaches von 16 ist; angegeben sind patch={2}, width={3}. Verwenden Sie patch={4} und width={5}.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation>Das Netz nimmt Bilder [batch, {1}, height, width], angegeben ist {2}. Füllen Sie fehlende Kanäle mit Nullen und lassen Sie ihre Gruppe aus.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation>Das vortrainierte Modell passt nicht zu diesem Netz: {1} von {2} Gewichten des Encoders fehlen oder haben eine andere Form ({3}). Wählen Sie ein Backbone mit denselben Kanälen, derselben Breite und Tiefe.</translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation>Mit den Verlustgewichten {1} kann nicht trainiert werden: Keines darf negativ sein, und eines muss über 0 liegen.</translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation>Ein Maskierungsgrad von {1} lässt {2} von {3} Token sichtbar: Einige müssen verdeckt und einige sichtbar sein. Verwenden Sie 0.9 oder ein größeres Fenster.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation>Die Statistiken der Modellkarte passen nicht zu ihren {1} Kanälen: {2} Mittelwerte, {3} Abweichungen (jede muss über 0 liegen). Trainieren oder importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation>Die Modellkarte verlangt die Normalisierung &#x27;{1}&#x27;, diese Version kennt statistics, tile-minmax, scene-statistics und none. Aktualisieren Sie die Erweiterung.</translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation>{1} Pixelebenen enden bei Schrittweite {2}, ein Token ist aber {3} Pixel breit. Geben Sie für jede Schrittweite von 1 bis {4} eine Breite an.</translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation>Ein Fenster von {1} x {2} Pixeln lässt sich nicht in Token von {3} x {4} zerlegen: Beide Seiten müssen Vielfache von {5} sein. Die nächste gültige Größe ist {6} x {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation>Ein Modell für &#x27;{1}&#x27; sagt allein nichts vorher. Führen Sie zuerst eine Feinabstimmung durch und verwenden Sie das Ergebnis.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation>Das Modell nimmt {1} Eingaben ({2}), angegeben ist {3}.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation>Die Modellkarte nennt das Netz &#x27;{1}&#x27;, diese Version kennt {2}. Aktualisieren Sie die Erweiterung, oder importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation>Die Modellkarte beschreibt ihr Netz &#x27;{1}&#x27; auf eine Weise, die diese Version nicht aufbauen kann. Aktualisieren Sie die Erweiterung, oder importieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation>Das Netz hat seinen Encoder verloren.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation>Das Netz wurde ohne Pixelzweig erstellt.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation>Das Modell &#x27;{1}&#x27; ist für {2}, hier wird eines für {3} gebraucht. Wählen Sie ein anderes Modell, oder verwenden Sie das Werkzeug, das zu diesem passt.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation>Es gibt kein Modell &#x27;{1}&#x27;. Geben Sie den Pfad einer Modelldatei oder den Namen eines installierten Modells an ({2}).</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; ist kein Modell von SpectralGPT: Erwartet wird eine Datei, die auf .onnx oder .safetensors endet. Importieren Sie andere Formate zuerst mit &#x27;Modell importieren&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation>&#x27;{1}&#x27; kann nicht als Modell gelesen werden: Die Datei fehlt, ist beschädigt oder von anderer Art. Kopieren Sie sie erneut, oder wählen Sie ein anderes Modell.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; enthält keine SpectralGPT-Modellkarte, daher sind seine Kanäle und Klassen unbekannt. Importieren Sie es zuerst mit &#x27;Modell importieren&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation>Die Modellkarte in &#x27;{1}&#x27; ist beschädigt. Kopieren Sie die Datei erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation>Die Modelldatei &#x27;{1}&#x27; wurde nach ihrer Erstellung verändert oder beschädigt: Ihr Inhalt passt nicht zu ihrem Siegel. Kopieren Sie sie erneut, oder laden Sie sie erneut herunter.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation>Die Modelldatei &#x27;{1}&#x27; hat kein Siegel. Importieren oder trainieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation>Die Modelldatei &#x27;{1}&#x27; hat keinen Platz für ein Siegel. Importieren oder trainieren Sie das Modell erneut.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation>Der Ordner {1} antwortet nicht.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation>Der Ordner {1} existiert nicht, oder sein Laufwerk ist nicht verbunden.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation>{1} ist eine Datei, kein Ordner.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation>Der Ordner {1} kann nicht gelesen werden: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation>Es gibt keine Datei &#x27;{1}&#x27;. Geben Sie den Pfad eines Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation>&#x27;{1}&#x27; wurde nicht geladen: Neben Gewichten enthält die Datei {2} Art(en) von Python-Objekten, die Code ausführen könnten ({3}). Erwartet werden nur Tensoren, einfache Werte und argparse.Namespace. Besorgen Sie sich die veröffentlichte Datei, oder speichern Sie nur die Gewichte mit torch.save(model.state_dict(), path).</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation>&#x27;{1}&#x27; kann nicht als PyTorch-Checkpoint gelesen werden: Die Datei ist von anderer Art, unvollständig oder beschädigt. Laden Sie sie erneut herunter und vergleichen Sie ihre Größe.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; enthält {2}, erwartet wird ein Wörterbuch von Gewichten, direkt oder unter &#x27;model&#x27;. Geben Sie einen der veröffentlichten Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; enthält {2} Einträge, die keine Gewichte sind ({3}), erwartet werden nur dichte Gleitkommatensoren. Geben Sie einen der veröffentlichten Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; ist kein SpectralGPT-Checkpoint: Erwartet werden die Gewichte {2}; gefunden wurde {3} unter {4} Gewichten ({5}). Geben Sie einen der veröffentlichten Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; hat Token der Breite {2} an {3} Positionen, erwartet werden eine Breite von {4} und eine quadratische Zahl von Positionen. Geben Sie einen der veröffentlichten Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; enthält den Encoder von SpectralGPT, unter {2} Gewichten aber weder seinen Decoder (decoder_...) noch einen Kopf (cls_seg..., head...). Geben Sie einen der veröffentlichten Checkpoints an.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation>&#x27;{1}&#x27; passt nicht zum SpectralGPT-Netz {2} mit {3} Gewichten: {4}. Geben Sie die veröffentlichte Datei an, wie sie heruntergeladen wurde, oder wählen Sie mit &#x27;kind&#x27;, was sie enthält.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation>Gewichte: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo-Eintrag 8412455. Ihre Lizenz, CC-BY-4.0, ist nur aus einer Tabelle Dritter bekannt: nicht überprüft.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation>Jedes Fenster wird Kanal für Kanal auf 0..1 skaliert, wie beim Training.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation> Die Bedeutung seiner {1} Kanäle ist nicht bekannt: Wählen Sie die Kanäle des Rasters von Hand.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation>{1} {2} Importiert; keine seiner Zahlen wurde hier überprüft.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation>Veröffentlichtes SpectralGPT-Backbone als Ausgangspunkt für die Feinabstimmung; es sagt allein nichts vorher.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation>Veröffentlichtes SpectralGPT-Netz für Änderungen, von seinen Autoren auf OSCD feinabgestimmt.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation>SpectralGPT-Segmentierungsnetz mit {1} Klassen, deren Namen nicht in der Datei stehen.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation>Veröffentlichtes SpectralGPT-Segmentierungsnetz, von seinen Autoren auf SegMunich feinabgestimmt. Es nimmt zehn Kanäle und hängt ihr Mittel zweimal an. Welche zehn, darin sind sich die Quellen uneins: Diese hier hat der Erstautor bestätigt.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation>SpectralGPT-Szenenklassifikator, dessen Klassennamen und Normalisierung nicht in der Datei stehen: Die Namen sind Nummern, und die Skalierung je Fenster ist eine Annahme.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; hat keinen Parameter &#x27;{2}&#x27;. Vorhanden sind: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation>&#x27;{1}&#x27; braucht den Parameter &#x27;{2}&#x27;: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation>Der Parameter &#x27;{1}&#x27; von &#x27;{2}&#x27; ist {3}; erwartet wird {4} ({5}).</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation>Der Parameter &#x27;{1}&#x27; von &#x27;{2}&#x27; ist &#x27;{3}&#x27;; wählen Sie einen von: {4}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation>Der Parameter &#x27;{1}&#x27; von &#x27;{2}&#x27; ist {3}; er muss zwischen {4} und {5} liegen.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation>Das Archiv {1} kann nicht gelesen werden: Es ist beschädigt, unvollständig heruntergeladen oder von anderer Art, als sein Name sagt. Laden Sie es noch einmal herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation>Die Metadatendatei &#x27;{1}&#x27; des Produkts kann nicht gelesen werden: Sie ist beschädigt oder unvollständig heruntergeladen. Laden Sie das Produkt noch einmal herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation>Es gibt keine Datei und keinen Ordner &#x27;{1}&#x27;. Geben Sie den Ordner eines Satellitenprodukts an, sein .zip oder .tar, oder eine beliebige seiner Dateien.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation>&#x27;{1}&#x27; ist ein komprimiertes Archiv, in dem kein Teil einzeln gelesen werden kann. Entpacken Sie es, und geben Sie den Ordner an; ein .zip oder .tar kann angegeben werden, wie es ist.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation>In &#x27;{1}&#x27; ist kein Archiv auf diesem Rechner genannt. Geben Sie ein .zip oder .tar an, das auf einem Laufwerk liegt.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation>Es ist ein Sentinel-2-Produkt der älteren Form von vor Dezember 2016. Laden Sie dieselbe Szene noch einmal herunter: Das Archiv wurde neu prozessiert.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation>Es gibt Dateien eines Sentinel-2-Produkts, aber seine Metadatendatei MTD_MSIL2A.xml oder MTD_MSIL1C.xml liegt nicht darüber; ohne sie sind Skalierung und Offset der Werte unbekannt. Laden Sie das ganze Produkt herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation>Es gibt Dateien eines Landsat-Produkts, aber keine Metadatendatei (ihr Name endet auf _MTL.txt); ohne sie sind Skalierung und Offset der Werte unbekannt. Laden Sie das Produktpaket herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation>Es ist ein HLS-Produkt der Version 1. Laden Sie Version 2 herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation>Es ist ein Produkt eines anderen Satelliten oder Levels. Sentinel-2 Level-1C und Level-2A können geöffnet werden.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation>&#x27;{1}&#x27; enthält {2} Produkte: {3}. Geben Sie eine dieser Dateien an, oder den Ordner oder das Archiv eines Produkts.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation>&#x27;{1}&#x27; gehört zu keinem Satellitenprodukt, das geöffnet werden kann. Erwartet wird ein Sentinel-2-Produkt (.SAFE-Ordner oder .zip, Level-1C oder Level-2A), ein Produkt der Landsat Collection 2 (Ordner oder .tar) oder ein HLS-Produkt der Version 2 (Ordner).</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation>Dem HLS-Produkt {1} fehlen {2} seiner Kanäle: {3}. Laden Sie alle seine Dateien in einen Ordner herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation>Die Datei Fmask des Produkts fehlt: Wolken werden nicht maskiert.</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation>&#x27;{1}&#x27; beschreibt kein Produkt der Landsat Collection 2 mit Reflektanzen von TM, ETM+ oder OLI (Collection {2}, Sensor {3}). Laden Sie die Szene aus Collection 2 herunter, am besten als Level-2 (Oberflächenreflektanz).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation>Dem Produkt fehlen {1} seiner Dateien, etwa &#x27;{2}&#x27;: Es ist unvollständig heruntergeladen oder entpackt. Laden Sie es als Ganzes herunter (das Produktpaket).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation>Die Datei QA_PIXEL des Produkts fehlt: Wolken werden nicht maskiert.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation>Metadaten des Produkts werden gelesen</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation>Produkt: {1}, aufgenommen {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation>Die Kanaldateien in diesem Archiv sind komprimiert, sodass jedes Lesen sie entpackt: Aus einem entpackten Produkt entstehen Karten schneller.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation>Kanaldateien werden geöffnet</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation>Farben werden bestimmt</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation>{1} Kanäle auf einem Gitter von {2} x {3} Pixeln zu {4} m: {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation>Wolken werden maskiert</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation>{1} % der Szene sind als Wolken oder Schatten maskiert, nach der Ebene des Produkts: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation>Die Dateien des Produkts decken nicht dasselbe Gebiet ab: &#x27;{1}&#x27; weicht von den anderen ab. Vielleicht sind Dateien mehrerer Produkte in einem Ordner gemischt: Laden Sie das Produkt noch einmal in einen eigenen Ordner herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation>Mit Pixeln von {1} m hätte das Produkt von {2} x {3} Pixeln {4} x {5}. Geben Sie eine Auflösung nahe der eigenen an, {6} m, oder 0 für diese.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation>Die Metadatendatei &#x27;{1}&#x27; nennt {2} Kacheln und die Dateien von {3} Kanälen; erwartet wird eine Kachel mit allen Kanälen und der Skalierung ihrer Werte. Sie ist von älterer Form (vor Dezember 2016) oder beschädigt: Laden Sie das Produkt noch einmal herunter.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation>Dem Produkt fehlen {1} seiner Dateien, etwa &#x27;{2}&#x27;: Es ist unvollständig heruntergeladen oder entpackt. Laden oder entpacken Sie es noch einmal. Wurden nur seine Dateien mit 20 oder 60 m heruntergeladen, geben Sie diese Auflösung an.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation>Szenenklassifikation (SCL)</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation>Die Szenenklassifikation (SCL) des Produkts fehlt: Wolken werden nicht maskiert.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation>Das Produkt hat keine lesbare Wolkenmaske: Vor Processing Baseline 04.00 (Januar 2022) haben Produkte von Level-1C nur Polygone. Wolken werden nicht maskiert; mit dem Level-2A desselben Datums ist es möglich.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation>Der Auftrag ist kein JSON-Objekt in einer Zeile: Erhalten wurde {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation>Der Auftrag ist kein JSON-Objekt: Erhalten wurde {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation>Der Engine ist der Speicher ausgegangen. Schließen Sie andere Programme, oder arbeiten Sie in einem kleineren Gebiet.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation>In der Engine ist ein unerwarteter Fehler aufgetreten ({1}: {2}). Bitte melden Sie ihn.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation>Das Modell &#x27;{1}&#x27; wird mit der Erweiterung geliefert und behält seinen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation>&#x27;{1}&#x27; kann nicht der Name einer Datei sein. Verwenden Sie Buchstaben, Ziffern, Leerzeichen und die Zeichen _ - + ( ).</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation>Es gibt bereits ein Modell &#x27;{1}&#x27; in {2}. Wählen Sie einen anderen Namen.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation>Das Modell hat seinen neuen Namen, seine alte Datei &#x27;{1}&#x27; konnte aber nicht entfernt werden: {2}. Entfernen Sie sie selbst.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation>Das Modell &#x27;{1}&#x27; hat keinen SpectralGPT-Encoder als Ausgangspunkt. Wählen Sie ein Backbone oder ein durch Feinabstimmung erstelltes Modell.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation>Das Modell &#x27;{1}&#x27; kann nur vorhersagen, und es liegt kein {2} zum Weitertrainieren daneben. Wählen Sie ein Backbone oder ein Modell, das Sie feinabgestimmt haben.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation>{1}Durchgang {2} von {3}, Verlust {4}</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation>{1} ist kein Checkpoint eines Trainingslaufs oder ist beschädigt. Löschen Sie die Datei, um von vorn zu beginnen.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation>{1} gehört zu einem Lauf mit anderen Einstellungen. Löschen Sie die Datei, um von vorn zu beginnen, oder machen Sie mit den Einstellungen weiter, mit denen sie erstellt wurde.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation>Der Zwischenstand {1} konnte nicht geschrieben werden: Der Datenträger ist voll, oder in den Ordner kann nicht geschrieben werden. Schaffen Sie Platz oder beheben Sie das, und starten Sie dasselbe noch einmal: Es geht vom letzten Zwischenstand weiter.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation>Änderungen werden aus zwei Klassen gelernt, unverändert und verändert; die Labels haben {1} ({2}). Fassen Sie sie zu zweien zusammen.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation>Es lässt sich nicht erkennen, welches der Labels &#x27;{1}&#x27; und &#x27;{2}&#x27; Änderung bedeutet. Nennen Sie sie &#x27;unchanged&#x27; und &#x27;changed&#x27;, oder 0 und 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation>Eine GPU wurde verlangt, torch sieht hier aber keine. Wählen Sie das Gerät &#x27;auto&#x27; oder &#x27;cpu&#x27;, oder installieren Sie ein torch, das zum Treiber der GPU passt.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation>Mittlere Überlappung (IoU) auf zurückgehaltenen Labels vorher: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation>Labels, nach ganzen Stellen zurückgehalten, bei der nach denselben Labels besten Epoche</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation>Angehalten, bevor der erste Durchgang zu Ende war: Der Kopf auf eingefrorenen Merkmalen wird behalten.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Das Training des Encoders hat die Karte zurückgehaltener Labels nicht verbessert ({1} gegen {2}): Der Kopf auf eingefrorenen Merkmalen wird behalten.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation>Erwartet wird ein Predictor, angegeben ist {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation>Labels von {1} Stellen in {2} Teilen, jeder einmal zurückgehalten; danach wurde das Modell an alle angepasst</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation>Beurteilung, Teil {1} von {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation>Zum Beurteilen des Modells wurde nichts zurückgehalten: Eine Klasse hat nur an einer Stelle Labels (näher als {1} Pixel). Zeichnen Sie jede Klasse an mindestens zwei Stellen.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation>Es wurde kein Raster angegeben. Wählen Sie die Raster mit den Flächen, die Labels haben.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation>Es gibt {1} Raster des ersten Zeitpunkts und {2} des zweiten. Geben Sie für jedes des ersten eines des zweiten an, in derselben Reihenfolge.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation>Es wurden Raster eines zweiten Zeitpunkts angegeben, die Aufgabe ist aber {1}. Wählen Sie change-detection, oder lassen Sie sie weg.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation>{1} wird ausgelassen: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation>Die Labels {1} liegen auf keinem der {2} Raster. Wählen Sie Raster der Stelle, die Labels hat, oder prüfen Sie das KBS beider.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation>Kein Pixel der Raster hat das Label {1}: Die Labels dieser Klasse liegen anderswo. Zeichnen Sie welche auf den Rastern, oder lassen Sie die Klasse weg.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation>{1}: Einige Kanäle fehlen, die andere Raster haben. Das Modell lernt überall ohne sie.</translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation>{1} kann nicht gespeichert werden.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation>Das Backbone hat {1} von {2} Ansichten der Fenster schon in einem früheren Lauf gesehen.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation>Labels, nach ganzen Stellen zurückgehalten, bei der nach denselben Labels besten Epoche; danach wurde das Modell mit allen trainiert</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation>Alle zurückgehaltenen Labels sind in den Rastern NoData, daher kann das Modell nicht beurteilt werden. Zeichnen Sie mehr Labels, wo das Raster Werte hat.</translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation>Stufe {1} von {2}. </translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation>Verfahren: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation>Verfahren: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation>Veränderung an anderen Orten wird am besten gefunden, wenn das Backbone bleibt, wie es ist, und ein Kopf angepasst wird</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation>{1} Stellen mit Labels sind wenige: Das Backbone bleibt, wie es ist, und ein Kopf wird angepasst</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation>{1} Stellen mit Labels und eine GPU: Alle Gewichte lernen</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation>{1} Stellen mit Labels, keine GPU: Wenige Gewichte des Backbones lernen</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation>das Backbone hat {1} Millionen Gewichte, und es gibt keine GPU: Es bleibt, wie es ist, und ein Kopf wird angepasst</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation>Die Wahrheit hat die Form {1}, die Vorhersage {2}: Erwartet wird dieselbe.</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation>Die Eingabe ({1}) enthält Werte {2}..{3}, erwartet wird 0..{4}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation>Merkmale werden berechnet</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation>Jedes Pixel mit Label ist in den Rastern NoData. Zeichnen Sie Labels, wo das Raster Werte hat, oder prüfen Sie seinen NoData-Wert.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation>Jedes Pixel mit dem Label {1} ist in den Rastern NoData. Zeichnen Sie welche, wo das Raster Werte hat, oder lassen Sie die Klasse weg.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation>{1} hat keine Pixelmerkmale.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation>{1} fertige Epochen sind in {2} aufbewahrt: Starten Sie dasselbe erneut, um fortzufahren.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation>Es wurde nichts behalten, da kein Checkpoint-Ordner angegeben war.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation>Abgebrochen. {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation>Die Bilder werden in den Speicher der GPU gelesen; dort werden die Ausschnitte genommen.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation>Neben dem, was andere dort halten, passen sie nicht hinein: Gelesen wird nach Bedarf.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation>mittlerer quadratischer Fehler verdeckter Werte in normierten Einheiten, auf zurückgehaltenen Fenstern; &#x27;Interpolation&#x27; füllt jeden Kanal nach Abstand aus seinen sichtbaren Token, &#x27;Mittelwert&#x27; mit deren Mittel</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation>SpectralGPT, ohne Labels auf eigenen Bildern vortrainiert, von zufälligen Gewichten aus ({1}).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation>SpectralGPT, ohne Labels auf eigenen Bildern vortrainiert, von {1} aus fortgeführt.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation>maskiertes Vortraining, schrittweise über Fenster und Maskierungsgrade</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation>Das Modell &#x27;{1}&#x27; hat keinen Decoder zum Vortrainieren. Wählen Sie ein Backbone.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation>Die Bilder sind zu klein, um etwas davon zurückzuhalten: Das Netz kann nicht auf Flächen beurteilt werden, die es nicht gesehen hat. Geben Sie größere Raster an, oder mindestens zehn.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation>{1} der Raster, etwa {2}, wurden geändert, seit der Lauf in {3} begann: Was von ihm noch bleibt, lernt von ihnen, wie sie jetzt sind. Löschen Sie diesen Ordner, um neu zu beginnen.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation>{1} Raster, {2} Megapixel; {3} Fenster zurückgehalten. Netz mit {4} Millionen Gewichten; {5} Prozess(e).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation>Stufe {1} hat Fenster von {2} px, mehr als ihr größtes Raster hat ({3} x {4} px): Sie werden aus weniger Pixeln vergrößert, was Zeit kostet und wenig lehrt. Verwenden Sie kleinere Fenster oder größere Raster.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation>{1} Szenen mit Label werden ausgelassen: Weniger als die Hälfte ihrer Pixel ist gültig.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation>Keine Szene mit Label ist verwendbar: Von jeder ist weniger als die Hälfte der Pixel gültig. Vergeben Sie Labels für Szenen, wo das Raster Werte hat, oder prüfen Sie seinen NoData-Wert.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation>{1} auf zurückgehaltenen Szenen vorher: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation>Szenen, nach ganzen Stellen zurückgehalten, bei der nach denselben Szenen besten Epoche</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Das Training des Encoders hat die Labels zurückgehaltener Szenen nicht verbessert ({1} gegen {2}): Der Kopf auf eingefrorenen Merkmalen wird behalten.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation>Es wurden Raster eines zweiten Zeitpunkts angegeben, Szenen haben aber nur einen. Lassen Sie sie weg, oder wählen Sie change-detection.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation>Szenen, die sich berühren, sind in verschiedenen Teilen, da es zu wenige andere gibt: Die Zahlen schmeicheln dem Modell. Zeichnen Sie Szenen an mehr Stellen.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation>Zum Beurteilen des Modells wurde nichts zurückgehalten: Eine Klasse hat nur an einer Stelle Labels (näher als {1} Pixel). Vergeben Sie für jede Klasse Labels an mindestens zwei Stellen.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation>{1} hat keine Szenenmerkmale.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation>Ob das Training des Encoders hilft, lässt sich ohne zurückgehaltene Szenen nicht sehen: Der Kopf auf eingefrorenen Merkmalen wird behalten.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation>Es wird gelernt, wie kleine Ausschnitte aussehen</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation>Die letzte Schicht wird angepasst und beurteilt</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation>Szenen von {1} Stellen in {2} Teilen, jeder einmal zurückgehalten (Bildausschnitte wurden von allen gelernt, ohne Labels); danach wurde das Modell an alle angepasst</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation>Keine verwendbare Szene hat das Label {1}. Vergeben Sie es für einige auf den Rastern, oder lassen Sie die Klasse weg.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation>{1}: weniger als {2} Szenen. Vergeben Sie mehr Labels; Zahlen aus so wenigen sagen wenig.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation>Der Speicher reicht selbst für einen Stapel von {1} nicht. Wählen Sie ein kleineres Netz oder Fenster, schließen Sie andere Programme, oder rechnen Sie auf einem anderen Gerät.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation>Der Speicher reicht nicht für einen Stapel von {1}: Es wird {2} versucht.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation>Stufe {1} ist &#x27;{2}&#x27;, erwartet wird {3}, zum Beispiel 64:20:1e-3 oder 128:10:5e-4:0.9:*summer*. Trennen Sie Stufen durch ;.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation>Die Stufen &#x27;{1}&#x27; enthalten keine Stufe, erwartet wird {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation>Stufe {1} hat ein Fenster von {2} px, erwartet wird ein Vielfaches der Kachel des Netzes von {3} px. Verwenden Sie {4} oder {5}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation>Stufe {1} verdeckt {2} der {3} Token eines Fensters von {4} px: Nichts bleibt sichtbar. Verringern Sie den Maskierungsgrad, oder verwenden Sie ein größeres Fenster.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation>Kein Rastername entspricht &#x27;{1}&#x27;. Die Raster sind: {2}{3}. Verwenden Sie * für beliebigen Text im Muster.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation>Stufe {1} ist &#x27;{2}&#x27;: Fenster und Epochen müssen mindestens 1 sein, die Lernrate über 0 und höchstens 1, der Maskierungsgrad zwischen 0 und 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation>Die Feinabstimmung nimmt einen Predictor, angegeben ist {1}. Fassen Sie das Netz und seine Modellkarte in einem zusammen.</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation>Labels, nach ganzen Stellen zurückgehalten</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation>Durchschnittliche Präzision auf zurückgehaltenen Labels: {1} Pixel für Pixel, {2} mit der Umgebung</translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation>Der Verlust wurde {1} bei Schritt {2} (Epoche {3}), bei einer Lernrate von {4}. Verringern Sie die Lernrate oder begrenzen Sie den Gradienten, und prüfen Sie die Daten auf Werte, die nicht endlich sind.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation>Erstellt aus eigenen Labels von {1} Klassen ({2}), ausgehend von {3}.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation>nicht beurteilt: Es konnten keine Labels zurückgehalten werden</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation>{1} kann nicht gelesen werden, daher kann der Lauf in diesem Ordner nicht fortgesetzt werden. Löschen Sie den Ordner, oder geben Sie einen anderen an.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation>Der Ordner {1} enthält einen Lauf mit anderen Einstellungen ({2}). Geben Sie dieselben an, um ihn fortzusetzen, oder einen anderen Ordner, oder löschen Sie ihn.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation>In den Checkpoint-Ordner {1} kann nicht geschrieben werden. Wählen Sie einen anderen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation>Es wurde kein geeignetes Python gefunden: Die Engine braucht ein 64-Bit-Python 3.9 bis 3.14 mit dem Modul venv. Installieren Sie eines (von python.org, oder &#x27;sudo apt install python3-venv&#x27;) und versuchen Sie es erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation>Die Engine ist ohne Angabe eines Grundes fehlgeschlagen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation>Die Engine konnte nicht gestartet werden: {1} ({2}). Installieren oder reparieren Sie sie in den Einstellungen unter SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation>Die letzte Installation der Engine wurde nicht abgeschlossen. Installieren Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation>Die Engine ist noch nicht installiert. Installieren Sie sie in den Einstellungen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation>Der Eintrag der Engine ist beschädigt. Reparieren Sie die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation>Das Python, aus dem die Engine erstellt wurde, ist nicht mehr da oder wurde ersetzt. Reparieren Sie die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation>Die Erweiterung wurde aktualisiert und verlangt andere Versionen der Bibliotheken der Engine. Aktualisieren Sie die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation>Die Engine ist installiert ({1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation>Auf dem Datenträger von {1} sind {2} GB frei, und die Installation braucht {3} GB. Schaffen Sie Platz, oder wählen Sie einen anderen Ordner für die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation>Der Engine ist der Speicher ausgegangen, oder sie wurde vom System beendet. Schließen Sie andere Programme, wählen Sie eine kleinere Ausdehnung oder weniger Threads, und starten Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation>Reparieren Sie die Engine in den Einstellungen unter SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation>Die Engine ist in einer ihrer Bibliotheken abgestürzt (Zugriffsverletzung, 0xC0000005). Versuchen Sie das Gerät &#x27;cpu&#x27;; wenn es wieder geschieht, aktualisieren Sie den Grafiktreiber. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation>Eine Bibliothek, die die Engine braucht, wurde nicht gefunden (0xC0000135). Installieren Sie das &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), und starten Sie QGIS neu. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation>Eine Bibliothek der Engine konnte nicht starten (0xC0000142). Installieren Sie das &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), und starten Sie Windows neu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation>Eine Bibliothek der Engine ist beschädigt oder nicht 64-Bit (0xC000007B). </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation>Die Engine verwendet einen Befehl, den dieser Prozessor nicht kennt (0xC000001D).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation>Die Engine wurde unterbrochen (0xC000013A).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation>{1} Sie darf {2} MB Speicher belegen, was zu wenig sein kann: siehe die Speichergrenze unter Einstellungen &gt; Optionen &gt; SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation>Die Engine hat nicht mehr geantwortet und wurde beendet. Starten Sie sie erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation>Die Engine endete ohne Antwort (Exitcode {1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation>Die Engine wird gerade von einem anderen Prozess installiert (Nummer {1}). Warten Sie, bis er zu Ende ist, oder beenden Sie ihn, und versuchen Sie es erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation>Der Datenträger ist voll. Schaffen Sie Platz, oder wählen Sie in den Einstellungen einen anderen Ordner für die Engine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation>Der Schutz des Systems (Virenschutz oder Anwendungskontrolle) hat die Installation angehalten. Bitten Sie Ihren Administrator, den Ordner der Engine zuzulassen, oder wählen Sie in den Einstellungen einen anderen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation>Eine Datei der Engine wird verwendet. Warten Sie, bis laufende Aufträge zu Ende sind, oder starten Sie QGIS neu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation>In den Ordner der Engine darf nicht geschrieben werden. Wählen Sie in den Einstellungen einen eigenen Ordner, oder lassen Sie seine Berechtigungen ändern.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation>Der Ordner der Engine hat einen zu langen Pfad für Windows. Wählen Sie in den Einstellungen einen kürzeren.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation>Das Zertifikat des Paketservers wurde nicht akzeptiert, wie es hinter einem prüfenden Firmenproxy vorkommt. Geben Sie in den Einstellungen die CA-Datei Ihrer Firma an, oder verwenden Sie einen Ordner mit Wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation>Der Proxy hat die Verbindung verweigert. Prüfen Sie den Proxy in den Einstellungen (http://user:password@host:port).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation>Der Paketserver hat den Zugriff verweigert (401 oder 403). Prüfen Sie Adresse und Passwort des Index in den Einstellungen.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation>Der Paketserver wurde nicht erreicht. Prüfen Sie das Netzwerk und in den Einstellungen den Proxy und den Index; ohne Netzwerk installieren Sie aus einem Ordner mit Wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation>Ein Paket ist beschädigt angekommen. Starten Sie die Installation erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation>Das System ist zu alt für die Bibliotheken der Engine (seiner C-Bibliothek fehlt, was sie brauchen).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation>Der Speicher hat nicht gereicht. Schließen Sie andere Programme und starten Sie die Installation erneut.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation>Es gibt keinen Build von {1} für {2}, wo danach gesucht wurde. Verwenden Sie ein 64-Bit-Python 3.9 bis 3.14; ein in den Einstellungen gesetzter Spiegelserver ist vielleicht unvollständig.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation>Der Ordner mit Wheels &#x27;{1}&#x27; fehlt oder hat keine .whl-Dateien.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation>Die CA-Datei &#x27;{1}&#x27; fehlt. Korrigieren Sie sie in den Einstellungen.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation>Backbone für 12 Sentinel-2-Kanäle, Größe base, 200 Epochen auf fMoW-S2 vortrainiert; zum Weitertrainieren.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation>CC-BY-4.0 laut anderen; lesen Sie sie auf der Seite des Eintrags nach</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation>Backbone für 12 Sentinel-2-Kanäle, Größe base, weitere 100 Epochen auf BigEarthNet vortrainiert; zum Weitertrainieren.</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation>SpectralGPT tiny, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation>SpectralGPT, ohne Labels auf neun Kanälen von Sentinel-2 vortrainiert (Reflexionsgrad L1C und L2A); der Ausgangspunkt für eigene Modelle.</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation>Städtische Änderung, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation>Änderungen zwischen zwei Zeitpunkten von Sentinel-2 (L1C oder L2A): Bautätigkeit und andere Änderungen bebauter oder offener Flächen. Jahreszeiten und Feldfrüchte sind für das Modell keine Änderung. Wasser, das kommt oder geht, findet es nur zum Teil; eine Uferlinie, die sich um wenige Pixel verschiebt, übersieht es meist (Boadella, Februar bis Juni 2020, im Training enthalten: F1 0,14). Es ordnet die Pixel nach Stärke; die Schwelle wird in jeder Szene gefunden: Es markiert etwa das am stärksten veränderte Vierzigstel, weniger, wo wenig hervorsticht, und mehr, wo sich sicher viel geändert hat, und das Wahrscheinlichkeitsraster wird so verschoben, dass die Schwelle bei 0,5 liegt. Rechnen Sie mit Fehlalarmen auf kahlen Feldern und dort, wo sich fast nichts geändert hat, und mit Lücken, wo ein Dach ein ähnliches ersetzt. Schnee und Wolken sind für das Modell Änderungen: Maskieren Sie sie. Beide Zeitpunkte sollten dasselbe Gelände abdecken, mindestens einige Quadratkilometer.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation>Landbedeckung (sieben Klassen)</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation>Landbedeckung jedes Pixels in sieben Klassen aus einem Sentinel-2-Bild beider Stufen. Von sehr wenigen Stellen gelernt: Wasser ist verlässlich; Ackerland gegen Gras und Sträucher sowie Bebauung gegen offenen Boden brauchen mehr als einen Zeitpunkt oder eigene Labels (Feinabstimmung). Wolken haben keine Klasse: Maskieren Sie sie zuerst. Feuchtgebiete werden als das kartiert, wonach sie aussehen.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation>Wasser</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation>Bäume</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation>Ackerland</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation>Bebauung</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation>Offener Boden</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation>Gras und Sträucher</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation>Schnee und Eis</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation>Szenen Europas (die zehn Klassen von EuroSAT)</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation>Versieht Fenster von 640 m mit einer der zehn Klassen von EuroSAT. Von 89 Bildausschnitten Europas mit Label aus der Vegetationszeit gelernt; andere Kontinente, Winter, Schnee und Wolken sind nicht darunter, und ein Fenster mit mehreren Arten von Land erhält das Label einer davon. Krautige Vegetation, Dauerkultur und Fernstraße sind die schwächsten: Sehen Sie auf die Wahrscheinlichkeiten.</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation>Einjährige Kultur</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation>Wald</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation>Krautige Vegetation</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation>Fernstraße</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation>Industrie</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation>Weide</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation>Dauerkultur</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation>Wohngebiet</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation>Fluss</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation>Meer oder See</translation>
    </message>
</context>
</TS>
