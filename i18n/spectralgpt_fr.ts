<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en" language="fr">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation>Le modèle « {model} » a besoin de {expected} bandes dans cet ordre : {bands}. {given} ont été choisies pour {parameter}. Choisissez une bande du raster pour chacune, ou aucune pour qu&#x27;elles soient associées automatiquement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>La couche « {layer} » est une image dessinée par un service web, en rouge, vert et bleu. Le modèle « {model} » a besoin de {expected} bandes mesurées : {bands}. Utilisez l&#x27;imagerie elle-même, en GeoTIFF ou depuis un service de couvertures (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation>Images</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation>Cartographie</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation>Entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation>Précision</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation>Modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation>« {parameter} » ({name}) vaut {value} ; la valeur doit être d&#x27;au moins {low:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation>« {parameter} » ({name}) vaut {value} ; la valeur doit être comprise entre {low:g} et {high:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation>« {parameter} » doit être écrit dans « {target} », un type de fichier que cet outil n&#x27;écrit pas. Indiquez un nom de fichier se terminant par {expected}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation> ou </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation>« {parameter} » doit être écrit dans « {target} » : QGIS n&#x27;ouvre aucun GeoPackage dont le nom contient « ; », ou dont le chemin contient « % » et deux chiffres, comme %20. Donnez un autre nom ou un autre dossier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation>Arrêté avant la fin. Ce qui était déjà fait a été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation>Annulé. Rien n&#x27;a été écrit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation>Ce qui a été calculé est conservé. Relancez l&#x27;outil avec les mêmes paramètres et la même sortie : il reprend là où il s&#x27;est arrêté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation>Étiqueter des scènes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation>Étiquette les cellules d&#x27;une grille, ou vos polygones, d&#x27;après ce qu&#x27;un raster y montre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation>classification de scènes,étiquettes,tuiles,imagettes,grille,zones,parcelles,polygones,multi-étiquettes,apprentissage profond,IA,scene classification,labels,tiles,patches,grid,parcels,multi-label,deep learning,AI,EuroSAT,Sentinel-2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Indique quel type de scène montre chaque lieu, par exemple une zone résidentielle, une autoroute ou des cultures annuelles. Une étiquette vaut pour toute une cellule ou tout un polygone ; pour la classe de chaque pixel, utilisez « Carte d&#x27;occupation du sol ».&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; : une image multispectrale, avec toutes les bandes dans une seule couche.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt; : les polygones à étiqueter, par exemple des parcelles. Sans zones, une grille est posée sur le raster.&lt;br&gt;&lt;b&gt;Taille de cellule&lt;/b&gt; : le côté d&#x27;une cellule de la grille en unités de carte ; 0 prend la taille à laquelle le modèle a appris, en général le meilleur choix.&lt;br&gt;&lt;b&gt;Bandes&lt;/b&gt; : laissez vide pour les associer par nom ou par longueur d&#x27;onde.&lt;/p&gt;&lt;h3&gt;Sortie&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Scènes étiquetées&lt;/b&gt; : des polygones avec l&#x27;étiquette (class_name), sa confiance en pourcentage et la probabilité de chaque classe (prob_...), pour pouvoir filtrer les cas douteux. En dessous d&#x27;environ 60, la deuxième étiquette était proche. Un modèle multi-étiquettes donne toutes les étiquettes qui dépassent leur seuil ; la couleur est celle de la plus probable.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation>Taille de cellule (0 = celle du modèle)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation>Bandes dans l&#x27;ordre du modèle (vide = automatique)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation>Zones à étiqueter (au lieu d&#x27;une grille)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation>Limiter à ces polygones (masque)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation>Scènes étiquetées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation>Nombre de scènes étiquetées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation>Détecter les changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation>Cartographie ce qui a changé entre deux rasters multispectraux du même lieu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation>détection de changements,différence,avant,après,deux dates,bitemporel,suivi,apprentissage profond,IA,construction,urbain,change detection,difference,before,after,monitoring,deep learning,AI,urban,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Cartographie ce qui a changé au sol entre deux dates. C&#x27;est le modèle qui définit ce qui compte comme changement : celui qui est fourni cherche les constructions, ignore les saisons et les cultures, et manque le plus souvent l&#x27;eau qui monte ou descend.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Avant&lt;/b&gt; et &lt;b&gt;après&lt;/b&gt; : deux rasters multispectraux du même lieu. Leur grille, leur taille de pixel et leur système de coordonnées peuvent différer : le second est ramené sur la grille du premier. Choisissez des dates sans nuages et, si possible, de la même saison.&lt;br&gt;&lt;b&gt;Seuil&lt;/b&gt; : la probabilité à partir de laquelle un pixel est considéré comme changé. Laissez vide pour celui du modèle ; augmentez-le si trop de pixels sont marqués, diminuez-le si des changements sont manqués.&lt;br&gt;&lt;b&gt;Surface minimale&lt;/b&gt; : écarte les changements plus petits.&lt;/p&gt;&lt;h3&gt;Sorties&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Carte des changements&lt;/b&gt; : 0 inchangé, 1 changé, sur la grille du premier raster.&lt;br&gt;&lt;b&gt;Probabilité de changement&lt;/b&gt; de 0 à 1 : les zones foncées sont sûres. Les valeurs proches du seuil méritent un coup d&#x27;œil aux deux images.&lt;br&gt;&lt;b&gt;Polygones&lt;/b&gt; de ce qui a changé, et une table des &lt;b&gt;surfaces&lt;/b&gt;, mesurées sur l&#x27;ellipsoïde.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation>Raster avant</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation>Raster après</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation>Bandes du raster après, si elles diffèrent</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation>Seuil (0 à 1, non défini = celui du modèle)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation>La probabilité à partir de laquelle un pixel est considéré comme changé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation>Surface minimale d&#x27;un changement (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation>Carte des changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation>Probabilité de changement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation>Polygones de changement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation>Surface des changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation>Seuil utilisé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation>Surface changée (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation>Les deux dates sont le raster &#x27;{}&#x27;, dans lequel rien ne peut avoir changé. Choisissez le raster de la seconde date (AFTER).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation>Les rasters « {before} » et « {after} » ne se recouvrent pas : il n&#x27;y a rien à comparer. Choisissez deux rasters du même lieu, ou corrigez le système de coordonnées de l&#x27;un d&#x27;eux (clic droit, SCR de la couche).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Évaluer une carte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation>Indique la qualité d&#x27;une carte ou d&#x27;un modèle, avec des intervalles, d&#x27;après des lieux dont la vérité est connue.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation>évaluation de la précision,validation,matrice de confusion,matrice d&#x27;erreur,précision globale,précision de l&#x27;utilisateur,précision du producteur,estimation de surface,accuracy assessment,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Compare une carte avec des lieux dont vous savez ce qui s&#x27;y trouve : quelle part est juste, ce qui est confondu avec quoi, et à quel point ces chiffres sont sûrs.&lt;/p&gt;&lt;h3&gt;Que recueillir d&#x27;abord&lt;/h3&gt;&lt;p&gt;Tirez les points avec « Tirer un échantillon d&#x27;une carte » et remplissez leur champ &lt;i&gt;reference&lt;/i&gt;. Seul un tel échantillon aléatoire vaut pour toute la carte et donne des surfaces corrigées des erreurs de la carte. Des polygones que vous avez choisis vous-même conviennent aussi, mais ils ne renseignent que sur ces lieux. N&#x27;utilisez jamais les étiquettes qui ont servi à entraîner le modèle : il les connaît.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Carte&lt;/b&gt; : une carte de classes ; ou, si vous choisissez un &lt;b&gt;modèle&lt;/b&gt;, l&#x27;image qu&#x27;il doit cartographier.&lt;br&gt;&lt;b&gt;Référence&lt;/b&gt; : des points, des polygones ou un raster de classes, dans n&#x27;importe quel système de coordonnées.&lt;br&gt;&lt;b&gt;Champ&lt;/b&gt; : la vraie classe, par le nom ou la valeur de la classe de la carte.&lt;br&gt;&lt;b&gt;Plan&lt;/b&gt; : comment la référence a été tirée. &lt;i&gt;stratified&lt;/i&gt; pondère chaque classe par sa surface dans la carte ; &lt;i&gt;simple&lt;/i&gt; compte tout de la même façon ; &lt;i&gt;auto&lt;/i&gt; prend stratified pour un échantillon tiré avec cette extension.&lt;br&gt;&lt;b&gt;Confiance&lt;/b&gt; : celle des intervalles. À 95, dix-neuf intervalles sur vingt contiennent la vraie valeur.&lt;/p&gt;&lt;h3&gt;Sorties&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rapport&lt;/b&gt; : une page avec tous les chiffres, à lire ou à imprimer.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt; : la matrice de confusion ; les lignes sont la vérité, les colonnes la carte.&lt;br&gt;Les chiffres principaux sont aussi des nombres utilisables par un modèle du modeleur graphique. La précision globale est trompeuse quand une classe couvre presque toute la carte : regardez chaque classe dans le rapport.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation>Carte de classes, ou avec un modèle le raster à cartographier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation>Référence : points, polygones ou raster de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation>Comment la référence a été tirée</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation>stratified : au hasard dans chaque classe de la carte. simple : de toute autre façon.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation>Confiance des intervalles (pour cent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation>Avec un modèle : bandes dans son ordre (vide = automatique)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation>Matrice de confusion</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation>Précision globale</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation>Précision globale, borne inférieure de l&#x27;intervalle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation>Précision globale, borne supérieure de l&#x27;intervalle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation>Kappa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation>Intersection sur union moyenne</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation>F1 moyen des classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation>Lieux comparés</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation>Précision globale pondérée par la surface</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation>Précision pondérée par la surface, borne inférieure de l&#x27;intervalle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation>Précision pondérée par la surface, borne supérieure de l&#x27;intervalle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation>Exporter un modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation>Écrit un modèle dans un fichier pour l&#x27;utiliser ailleurs : ONNX, ONNX pour Deepness, ou poids.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation>modèle,exporter,partager,poids,convertir,model,export,share,ONNX,safetensors,Deepness,weights,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Écrit un modèle dans un seul fichier pour l&#x27;utiliser ailleurs.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt; : pour ONNX Runtime et pour cette extension sur un autre ordinateur. Le fichier contient la fiche du modèle : ses bandes avec leurs longueurs d&#x27;onde, sa mise à l&#x27;échelle, ses classes avec leurs couleurs, sa précision et sa licence. Un modèle qui n&#x27;a encore que des poids est converti en graphe, lequel est comparé avec eux.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt; : pour l&#x27;extension QGIS Deepness. Les valeurs doivent être la réflectance x 10000 et les bandes dans l&#x27;ordre du modèle ; les scènes deviennent des cartes uniformes sur chaque fenêtre ; pour les changements, les bandes des deux dates forment une seule pile. Ce qui est écrit est d&#x27;abord comparé avec le modèle.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt; : les poids, comme point de départ d&#x27;un entraînement ; seulement pour les modèles qui en ont.&lt;/p&gt;&lt;p&gt;Produire un fichier pour Deepness, ou un graphe à partir de poids, nécessite les bibliothèques d&#x27;entraînement du moteur (SpectralGPT &gt; Moteur). Respectez la licence du modèle quand vous le transmettez.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation>onnx contient la fiche du modèle ; deepness est destiné à l&#x27;extension QGIS de ce nom ; safetensors contient les poids à partir desquels entraîner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation>Modèle exporté</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation>Modèle ONNX (*.onnx);;Modèle à entraîner (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation>Plus grande différence de probabilité</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation>Choisissez un modèle : le nom d&#x27;un modèle installé, ou un fichier de modèle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation>Le format « {format} » est un fichier se terminant par {ending}, et la sortie est « {output} ». Modifiez l&#x27;un des deux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation>Il n&#x27;y a pas de modèle « {name} ». Choisissez parmi : {known} ; ou un fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation>Entraîner un modèle à partir d&#x27;étiquettes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation>Crée votre propre modèle à partir de quelques polygones, de points ou d&#x27;un raster de classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation>entraîner,affiner,affinage,apprendre,échantillons,polygones,étiquettes,changement,forêt aléatoire,apprentissage profond,IA,modèle de fondation,apprentissage par transfert,train,fine-tune,finetune,learn,samples,ROI,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Montre au modèle à quoi ressemblent vos classes, et crée un modèle qui les cartographie ailleurs. Il part d&#x27;un réseau de base qui connaît déjà l&#x27;imagerie multispectrale : quelques étiquettes suffisent donc.&lt;/p&gt;&lt;h3&gt;Que dessiner d&#x27;abord&lt;/h3&gt;&lt;p&gt;Créez une couche de polygones avec un champ pour la classe. Dessinez trois à dix petits polygones de &lt;b&gt;chaque&lt;/b&gt; classe, en différents lieux, chacun sur un terrain qui est sûrement de cette classe. Ajoutez ce qui se confond facilement, et une classe pour « tout le reste ». Ce que vous n&#x27;étiquetez pas est ignoré ; cela ne compte pas comme arrière-plan. Des polygones éloignés les uns des autres permettent aussi à l&#x27;outil de juger le modèle sur un terrain dont il n&#x27;a pas appris.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; : les images du terrain étiqueté. Plusieurs peuvent partager une même couche d&#x27;étiquettes.&lt;br&gt;&lt;b&gt;Étiquettes&lt;/b&gt; : des polygones, des points ou un raster de classes, dans n&#x27;importe quel système de coordonnées. Les modifications non enregistrées comptent. Les couleurs et les noms des classes de la couche deviennent ceux du modèle.&lt;br&gt;&lt;b&gt;Champ&lt;/b&gt; : du texte ou des nombres entiers, une valeur par classe.&lt;br&gt;&lt;b&gt;Tâche&lt;/b&gt; : &lt;i&gt;segmentation&lt;/i&gt; apprend une classe pour chaque pixel ; &lt;i&gt;scenes&lt;/i&gt; une étiquette pour tout un polygone ; &lt;i&gt;change&lt;/i&gt; compare les rasters avec ceux d&#x27;une seconde date, avec des étiquettes qui disent où quelque chose a changé et où rien n&#x27;a changé.&lt;br&gt;&lt;b&gt;Méthode&lt;/b&gt; : &lt;i&gt;quick&lt;/i&gt; garde le réseau de base et prend quelques secondes ; &lt;i&gt;adapters&lt;/i&gt; change une petite partie de ses poids ; &lt;i&gt;full&lt;/i&gt; les change tous et demande beaucoup d&#x27;étiquettes et un GPU. &lt;i&gt;auto&lt;/i&gt; décide d&#x27;après vos étiquettes et votre machine, et dit pourquoi.&lt;br&gt;&lt;b&gt;Où le modèle doit fonctionner&lt;/b&gt; : &lt;i&gt;anywhere&lt;/i&gt; le rend robuste à d&#x27;autres dates, à une autre lumière et à la brume ; &lt;i&gt;here&lt;/i&gt; est un peu meilleur sur ces rasters-ci et peut échouer sur d&#x27;autres.&lt;br&gt;&lt;b&gt;Passes&lt;/b&gt; : combien de fois les étiquettes sont parcourues ; 0 s&#x27;arrête de lui-même.&lt;/p&gt;&lt;h3&gt;Sorties&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modèle&lt;/b&gt; : dans le dossier proposé, il est installé aussitôt et les outils de cartographie le listent par son nom. Un fichier pour poursuivre l&#x27;entraînement est écrit à côté.&lt;br&gt;&lt;b&gt;Rapport&lt;/b&gt; : la qualité du modèle sur des étiquettes mises de côté, classe par classe, et comment le refaire.&lt;/p&gt;&lt;p&gt;Nécessite les bibliothèques d&#x27;entraînement du moteur (SpectralGPT &gt; Moteur).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation>Nom du modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation>Méthode utilisée</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation>Classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation>Rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation>Étiquettes : polygones, points ou raster de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation>Ce que le modèle doit faire</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation>Une classe pour chaque pixel, une étiquette pour tout un polygone, ou les changements entre deux dates.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation>Rasters de la seconde date (pour les changements seulement)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation>Modèle de départ</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation>Méthode</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation>auto décide d&#x27;après le nombre d&#x27;étiquettes et la machine. quick ajuste une dernière étape sur le modèle tel quel et prend quelques secondes ; avec adapters, une petite partie du modèle apprend aussi ; avec full, le modèle entier, ce qui prend le plus de temps.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation>Où le modèle doit fonctionner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation>anywhere le rend robuste à d&#x27;autres dates, à une autre lumière et à la brume. here est un peu meilleur sur ces rasters et peut échouer sur d&#x27;autres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation>Passes sur les étiquettes (0 = automatique)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation>Bandes de la seconde date, si elles diffèrent</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation>Étiquettes mises de côté pour juger (pour cent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation>Des groupes entiers d&#x27;étiquettes voisines sont mis de côté, pour que le modèle soit jugé ailleurs. 0 apprend de toutes les étiquettes et ne peut pas dire si le modèle est bon.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation>Une scène peut avoir plusieurs étiquettes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation>Pour les scènes : le champ les contient alors séparées par ; ou , ou sous forme de liste.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation>Modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation>Modèles de prédiction (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation>Il n&#x27;y a rien dont apprendre. Choisissez les rasters du terrain étiqueté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation>Les changements s&#x27;apprennent à partir de deux dates : indiquez les rasters de la seconde date (AFTER), un pour chacun de la première, dans le même ordre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation>Il y a {before} rasters de la première date (INPUT) et {after} de la seconde (AFTER). Indiquez-en un de la seconde pour chacun de la première, dans le même ordre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation>Des rasters d&#x27;une seconde date (AFTER) ont été indiqués, mais la tâche est « {task} ». Choisissez la tâche « change », ou laissez la seconde date vide.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation>Plusieurs étiquettes (MULTILABEL) concernent les scènes entières, mais la tâche est « {} ». Décochez cette case, ou choisissez la tâche « scenes ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation>Les scènes s&#x27;apprennent à partir de polygones ou de points portant chacun une étiquette, mais « {} » est un raster. Choisissez une couche vecteur, ou la tâche « segmentation ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation>« Carte d&#x27;occupation du sol »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation>« Étiqueter des scènes »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation>« Détecter les changements »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation>Importer un modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation>Convertit un checkpoint SpectralGPT publié en modèle pour cette extension.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation>modèle,poids,importer,convertir,model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Convertit un checkpoint SpectralGPT publié (SpectralGPT.pth, SpectralGPT+.pth, ou un checkpoint affiné pour la segmentation ou les changements) en fichier de modèle pour cette extension. Le fichier est seulement lu comme des nombres : rien de ce qu&#x27;il contient n&#x27;est exécuté, et un fichier contenant autre chose est refusé.&lt;/p&gt;&lt;p&gt;Un modèle que cette extension a produit sur un autre ordinateur (.onnx, .safetensors) est vérifié et copié.&lt;/p&gt;&lt;h3&gt;Sortie&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modèle&lt;/b&gt; : un fichier .safetensors pour entraîner, ou un fichier .onnx pour faire des cartes. Écrit dans le dossier des modèles de l&#x27;extension, il apparaît dans la liste des modèles ; ailleurs, indiquez son chemin comme modèle.&lt;/p&gt;&lt;p&gt;Un checkpoint nécessite les bibliothèques d&#x27;entraînement du moteur (SpectralGPT &gt; Moteur).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation>Checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation>Checkpoints et modèles (*.pth *.pt *.ckpt *.onnx *.safetensors);;Tous les fichiers (*.*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation>Ce que contient le fichier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation>auto regarde dans le fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation>Vide reprend le nom du fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation>Modèle à entraîner (*.safetensors);;Modèle de prédiction (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation>À quoi il sert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation>Il n&#x27;y a pas de checkpoint « {} ». Choisissez le fichier téléchargé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation>Un modèle est repris tel quel : la sortie doit se terminer par {ending}, comme « {given} ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation>Les valeurs nodata supplémentaires de « {} » ne sont pas connues du moteur : il les prend pour des classes. Définissez-les plutôt dans le fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation>La couche « {} » n&#x27;a ni polygones ni points. Choisissez une couche de polygones, de points, ou un raster de classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation>aucun</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation>Choisissez le champ de « {layer} » qui contient la classe de chaque entité. Ses champs sont : {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation>La couche « {layer} » n&#x27;a pas de champ « {field} ». Ses champs sont : {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation>Rien n&#x27;est sélectionné dans « {} ». Sélectionnez les entités à utiliser, ou décochez « Entités sélectionnées uniquement ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Les étiquettes &#x27;{layer}&#x27; n&#x27;ont qu&#x27;une seule classe : &#x27;{label}&#x27;. Étiquetez aussi ce qui n&#x27;est pas de cette classe, par exemple comme « autre ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>Le fichier « {file} » ({name}) ne peut pas être ouvert comme raster : il est endommagé, n&#x27;a pas été copié jusqu&#x27;au bout, ou est d&#x27;un type que QGIS ne sait pas lire. Copiez-le ou téléchargez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>Le fichier « {file} » ({name}) ne peut pas être ouvert comme couche : il est endommagé, n&#x27;a pas été copié jusqu&#x27;au bout, ou est d&#x27;un type que QGIS ne sait pas lire. Copiez-le ou téléchargez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation>Ouvrir un produit satellite</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation>Ouvre un produit Sentinel-2, Landsat ou HLS comme un seul raster, nuages masqués.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bandes,empiler,raster virtuel,VRT,nuages,masque de nuages,SCL,QA_PIXEL,réflectance,importer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Ouvre un produit satellite tel qu&#x27;il a été téléchargé et en fait un raster pour les autres outils : toutes les bandes avec leurs noms, les valeurs en réflectance, les nuages masqués. Aucun pixel n&#x27;est copié : le raster est un petit fichier qui renvoie au produit ; laissez donc le produit où il est.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Produit&lt;/b&gt; : l&#x27;un quelconque des fichiers du produit, ou son archive : Sentinel-2 Level-2A ou Level-1C (dossier .SAFE ou .zip), Landsat Collection 2 (dossier ou .tar), HLS version 2 (dossier). Les scripts peuvent aussi donner le dossier.&lt;br&gt;&lt;b&gt;Taille des pixels&lt;/b&gt; : 0 prend la plus fine du produit : 10 m pour Sentinel-2, 30 m pour Landsat et HLS. Les bandes plus grossières sont répétées, les plus fines moyennées.&lt;br&gt;&lt;b&gt;Masquer les nuages&lt;/b&gt; : les nuages, leurs ombres et les cirrus deviennent sans données, d&#x27;après la couche livrée avec le produit (SCL, MSK_CLASSI, QA_PIXEL ou Fmask). Elle manque des nuages fins et prend parfois des toits clairs ou de la neige pour des nuages : examinez le résultat.&lt;/p&gt;&lt;h3&gt;Sortie&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; : un raster virtuel (.vrt), affiché en couleurs naturelles ; le masque est écrit à côté. Les bandes thermiques, panchromatiques et de qualité sont laissées de côté.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation>Produit (l&#x27;un quelconque de ses fichiers, ou son archive)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation>Produits satellite (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;Tous les fichiers (*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation>Taille des pixels en mètres (0 = la plus fine)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation>Sentinel-2 a des bandes de 10, 20 et 60 m ; Landsat et HLS, de 30 m.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation>Masquer les nuages et leurs ombres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation>Masqué (pour cent ; -1 sans masque)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation>Produit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation>Date</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation>Laissez vide pour associer les bandes par nom, description ou longueur d&#x27;onde. Sinon, choisissez une bande du raster pour chaque bande du modèle, dans l&#x27;ordre du modèle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation>Le nom d&#x27;un modèle installé, ou le chemin d&#x27;un fichier de modèle (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation>Le nom d&#x27;un modèle installé, ou le chemin d&#x27;un fichier de modèle (.onnx ou .safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation>Limiter à cette emprise</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation>Seul ce rectangle est calculé. Vide signifie tout le raster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation>Calculer sur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation>auto prend le GPU s&#x27;il a réussi son test, sinon le processeur. Le journal dit ce qui a été utilisé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation>Recouvrement des fenêtres (pour cent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation>Plus de recouvrement donne des limites plus douces entre les fenêtres et prend plus de temps.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation>Threads du processeur (0 = tous)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation>Montrer d&#x27;abord un aperçu rapide de ce que la carte affiche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation>Une carte grossière de la vue apparaît après quelques secondes, pendant que la carte entière est calculée. Elle est retirée à la fin du traitement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation>Écrire des GeoTIFF optimisés pour le cloud (COG)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation>Table CSV (*.csv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation>Préentraîner un réseau de base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation>Crée votre propre réseau de base à partir d&#x27;images seules, sans aucune étiquette.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation>préentraînement,réseau de base,modèle de fondation,auto-supervisé,autoencodeur masqué,sans étiquettes,images,apprentissage profond,IA,pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Fait apprendre un modèle à partir d&#x27;images seules : la plus grande partie de chaque image est cachée, et le modèle apprend à la compléter. Il en sort un réseau de base, à partir duquel « Entraîner un modèle à partir d&#x27;étiquettes » crée des modèles pour vos classes. Vous n&#x27;en avez pas besoin pour le travail ordinaire : un réseau de base est installé avec l&#x27;extension. Cela vaut la peine si vous avez beaucoup d&#x27;images d&#x27;un type que le réseau fourni n&#x27;a pas vu, et un GPU ou de la patience.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; et &lt;b&gt;dossier&lt;/b&gt; : des images de nombreux lieux et dates, avec peu de nuages. Rien n&#x27;est à dessiner. Les dimensions, les régions et les tailles de pixel peuvent différer ; les pixels sans données ne servent jamais à apprendre.&lt;br&gt;&lt;b&gt;Partir de&lt;/b&gt; : un réseau de base à poursuivre, ce qui est le plus rapide, ou une taille pour partir de zéro : tiny et small pour un processeur, base et au-delà pour des GPU.&lt;br&gt;&lt;b&gt;Étapes&lt;/b&gt; : d&#x27;abord de petites fenêtres, puis de plus grandes. Chaque étape s&#x27;écrit FENÊTRE:PASSES, puis si vous voulez :TAUX D&#x27;APPRENTISSAGE, :PART CACHÉE et :MOTIF des noms de rasters, avec ; entre les étapes, par exemple 64:20:1e-3; 128:10:5e-4. Vide choisit d&#x27;après la quantité d&#x27;images.&lt;br&gt;&lt;b&gt;Part cachée&lt;/b&gt; : la part de chaque image qui est cachée ; SpectralGPT a été créé avec 0.9.&lt;br&gt;&lt;b&gt;Dossier de reprise&lt;/b&gt; : la progression y est conservée. Relancez l&#x27;outil avec les mêmes valeurs après un arrêt, et il continue là où il en était.&lt;/p&gt;&lt;h3&gt;Sorties&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Réseau de base&lt;/b&gt; : dans le dossier proposé, il est installé aussitôt.&lt;br&gt;&lt;b&gt;Rapport&lt;/b&gt; : les courbes de perte, les données et les paramètres.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt; : un raster avec une image masquée, ce que le modèle en a fait, et l&#x27;erreur. Un bon réseau de base dessine les champs, les routes et les rivages là où ils sont.&lt;/p&gt;&lt;p&gt;Nécessite les bibliothèques d&#x27;entraînement du moteur (SpectralGPT &gt; Moteur).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation>Perte finale</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation>Dossier de rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation>Tous les rasters qu&#x27;il contient sont utilisés, en plus de ceux choisis ci-dessus.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation>Partir de : un réseau de base, ou une taille</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation>Étapes (vide = automatique)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation>FENÊTRE:PASSES[:TAUX D&#x27;APPRENTISSAGE[:PART CACHÉE[:MOTIF]]], séparées par ;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation>Part cachée de chaque image (0.1 à 0.99)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation>Passes de chaque étape (0 = comme l&#x27;indiquent les étapes)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation>Images à la fois (0 = selon la mémoire)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation>Pas par passe (0 = selon la quantité d&#x27;images)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation>Ce d&#x27;après quoi le modèle est jugé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation>token est ce avec quoi les poids publiés ont été créés ; les autres ajoutent la forme du spectre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation>Positions d&#x27;une taille de fenêtre à la suivante</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation>interpolate garde ce qui a été appris ; drop les recommence, comme publié.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation>Dossier de reprise</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation>La progression y est conservée ; une exécution arrêtée repart de là.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation>Réseau de base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation>Modèles à entraîner (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation>Reconstruction</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation>Il n&#x27;y a pas de dossier « {} » contenant des rasters. Choisissez-en un autre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation>Il n&#x27;y a rien dont apprendre. Choisissez des rasters, ou un dossier de rasters.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation>L&#x27;étape « {stage} » n&#x27;est pas comprise. Écrivez chacune sous la forme FENÊTRE:PASSES[:TAUX D&#x27;APPRENTISSAGE[:PART CACHÉE[:MOTIF]]], par exemple 64:20:1e-3, avec ; entre elles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation>« Entraîner un modèle à partir d&#x27;étiquettes »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation>Fenêtres calculées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation>Fenêtres ignorées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation>Classes trouvées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation>Calculé sur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation>Choisissez un modèle : le nom d&#x27;un modèle installé, ou un fichier de modèle (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation>« {} » est un modèle à entraîner. Choisissez son fichier .onnx, qui prédit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation>« {} » n&#x27;est pas un fichier de modèle : il en faut un qui se termine par .onnx. Importez les autres formats avec « Importer un modèle ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation>Il n&#x27;y a pas de fichier de modèle « {name} ». Choisissez-en un autre, ou un modèle installé : {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation>Le modèle « {name} » a un autre usage ({task}). Choisissez-en un qui convient à cet outil : {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation>Il n&#x27;y a pas de modèle installé « {name} ». Choisissez parmi : {fitting} ; ou indiquez le chemin d&#x27;un fichier de modèle.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation>Pas d&#x27;aperçu rapide : il n&#x27;y a pas de carte pour l&#x27;afficher.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation>L&#x27;emprise est vide : sa largeur ou sa hauteur est 0. Dessinez-la à nouveau, ou laissez-la vide pour utiliser tout le raster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation>cartes d&#x27;occupation du sol</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation>étiquetage de scènes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation>changements entre deux dates</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation>affinage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation>La couche « {} » ne peut pas être ouverte. Vérifiez sa source, ou supprimez-la et ajoutez-la à nouveau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation>L&#x27;emprise ne touche pas la couche « {} ». Dessinez une emprise sur la couche, ou laissez-la vide.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>La couche « {} » est un service sans dimensions propres. Réglez l&#x27;emprise sur la zone voulue, là où l&#x27;outil en a une, ou enregistrez cette zone en GeoTIFF (clic droit, Exporter, Enregistrer sous) et utilisez le fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation>La couche &#x27;{name}&#x27; est un service sans taille propre : elle est lue à {metres:g} m au sol, là {across:.6g} x {down:.6g} unités de {crs}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>La couche « {name} » n&#x27;est pas un fichier et doit donc d&#x27;abord être copiée : {columns} x {rows} pixels en {count} bandes, {size:.1f} Go ; au plus {limit:.1f} Go peuvent être copiés. Réglez une emprise plus petite, ou enregistrez la couche en GeoTIFF (clic droit, Exporter, Enregistrer sous) et utilisez ce fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation>La couche « {} » ne peut pas être lue pixel par pixel. Enregistrez-la en GeoTIFF et utilisez ce fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation>La couche « {name} » n&#x27;a pas pu être copiée vers {path} (erreur {code}). Vérifiez que le service répond et que le disque a assez de place, ou enregistrez la couche en GeoTIFF et utilisez ce fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation>La couche « {name} » est affichée en {given}, mais son fichier indique {own} : c&#x27;est le fichier qui est retenu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation>Tirer un échantillon d&#x27;une carte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation>Tire des points au hasard dans chaque classe d&#x27;une carte, à examiner et pour la juger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation>évaluation de la précision,validation,échantillon aléatoire stratifié,points de référence,vérité terrain,bonnes pratiques,accuracy assessment,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Tire des points au hasard dans chaque classe d&#x27;une carte. Vous regardez chaque lieu dans de bonnes images, vous notez ce qui s&#x27;y trouve vraiment, et « Évaluer une carte » dit si la carte est bonne et quelle est la vraie surface de chaque classe, avec des intervalles (d&#x27;après Olofsson et autres, 2014).&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Carte de classes&lt;/b&gt; : issue de « Carte d&#x27;occupation du sol », de « Détecter les changements » ou d&#x27;ailleurs ; nombres entiers dans la première bande.&lt;br&gt;&lt;b&gt;Nombre de points&lt;/b&gt; : 0 en prend autant que l&#x27;exige l&#x27;erreur type voulue.&lt;br&gt;&lt;b&gt;Erreur type&lt;/b&gt; : l&#x27;écart habituel admis sur la précision globale ; 0.01 vaut un pour cent.&lt;br&gt;&lt;b&gt;Précision attendue&lt;/b&gt; : votre estimation de la part juste de chaque classe.&lt;br&gt;&lt;b&gt;Répartition&lt;/b&gt; : &lt;i&gt;proportional&lt;/i&gt; donne plus de points aux grandes classes, le mieux pour les surfaces ; &lt;i&gt;equal&lt;/i&gt; en donne autant à toutes, le mieux pour juger les classes rares.&lt;br&gt;&lt;b&gt;Minimum de points par classe&lt;/b&gt; : 50 ou plus rendent utilisables les chiffres des classes rares.&lt;/p&gt;&lt;h3&gt;Sortie&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Points d&#x27;échantillonnage&lt;/b&gt; : parcourez-les un par un, regardez chacun dans les images, et choisissez la classe que vous voyez dans le champ &lt;i&gt;reference&lt;/i&gt; ; le formulaire liste les classes de la carte. Regardez les images, pas la carte. Les points restant à faire sont orange. Vous pouvez vous arrêter avant la fin : les premiers points sont eux aussi un échantillon aléatoire. N&#x27;en laissez aucun de côté parce qu&#x27;il est difficile.&lt;/p&gt;&lt;p&gt;Lancez ensuite « Évaluer une carte » avec la carte, ces points et le champ reference.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation>Carte de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation>Nombre de points (0 = d&#x27;après l&#x27;erreur type)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation>Erreur type de la précision globale</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation>0.01 vaut un pour cent. La moitié demande quatre fois plus de points.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation>Précision attendue de chaque classe (0 à 1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation>Répartition des points entre les classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation>proportional : selon la surface de chaque classe. equal : autant pour toutes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation>Minimum de points par classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation>Points d&#x27;échantillonnage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation>Points</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>&#x27;{name}&#x27; est une image de {bands} bandes, pas une carte de classes. Choisissez une carte de classes, par exemple une faite par « Carte d&#x27;occupation du sol ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation>Carte d&#x27;occupation du sol</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation>Donne à chaque pixel d&#x27;un raster multispectral une classe d&#x27;occupation du sol.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation>occupation du sol,utilisation du sol,apprentissage profond,IA,modèle de fondation,eau,forêt,cultures,land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Donne à chaque pixel d&#x27;un raster multispectral une classe, par exemple eau, arbres ou zone bâtie.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; : une image multispectrale telle que Sentinel-2 ou Landsat, avec toutes les bandes dans une seule couche. Les comptes numériques et la réflectance conviennent tous deux ; le journal dit comment les valeurs ont été mises à l&#x27;échelle.&lt;br&gt;&lt;b&gt;Bandes&lt;/b&gt; : laissez vide, et les bandes sont associées par leur nom ou leur longueur d&#x27;onde. Si votre raster n&#x27;indique ni l&#x27;un ni l&#x27;autre, choisissez une bande pour chaque bande du modèle, dans l&#x27;ordre du modèle (voir l&#x27;infobulle du modèle).&lt;br&gt;&lt;b&gt;Emprise&lt;/b&gt; et &lt;b&gt;masque&lt;/b&gt; : limitent ce qui est calculé ; une petite zone est donc rapide même dans une grande scène.&lt;br&gt;&lt;b&gt;Surface minimale&lt;/b&gt; : fusionne les taches plus petites avec leurs voisines.&lt;/p&gt;&lt;h3&gt;Sorties&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Carte de classes&lt;/b&gt; : un GeoTIFF sur la grille du raster, avec les noms et les couleurs des classes du modèle. Les pixels sans données restent sans données.&lt;br&gt;&lt;b&gt;Confiance&lt;/b&gt; : la probabilité de la classe choisie, en pourcentage. Les valeurs proches de 100 sont sûres. Regardez vous-même l&#x27;image là où elle tombe en dessous d&#x27;environ 60 : la deuxième classe y était proche, souvent aux limites ou en des lieux différents de ceux dont le modèle a appris.&lt;br&gt;&lt;b&gt;Polygones&lt;/b&gt; avec la classe et la confiance moyenne, et une table de la &lt;b&gt;surface&lt;/b&gt; de chaque classe, mesurée sur l&#x27;ellipsoïde.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation>Surface minimale d&#x27;une tache (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation>Confiance (pour cent)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation>Polygones des classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation>Surface de chaque classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation>Surface cartographiée (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation>« {value} » ({parameter}) n&#x27;est pas une liste de numéros de bandes. Indiquez des nombres entiers à partir de 1, par exemple 2,3,4,8, ou laissez vide pour que les bandes soient associées automatiquement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation>Choisissez un modèle de départ : le nom d&#x27;un modèle installé, ou son fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation>Il n&#x27;y a pas de fichier de modèle « {name} ». Choisissez-en un autre, ou l&#x27;un de ceux-ci : {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation>« {name} » ne peut pas être entraîné davantage : il faut pour cela un fichier se terminant par .safetensors. Choisissez parmi : {fitting} ; ou importez un checkpoint publié avec « Importer un modèle ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation>Il n&#x27;y a pas de modèle installé « {name} » comme point de départ. Choisissez parmi : {fitting} ; ou indiquez le chemin d&#x27;un fichier .safetensors.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation>Le modèle « {name} » est installé : choisissez-le par ce nom dans {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation>Indiquez le fichier {path} comme modèle dans {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation>Champ de la classe (pas pour un raster)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation>Texte ou nombres entiers : une valeur par classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation>Entités sélectionnées uniquement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation>Utilise ce qui est sélectionné dans la couche ; le reste est laissé de côté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation>Laissez vide pour associer les bandes par nom, description ou longueur d&#x27;onde. Sinon, indiquez le numéro d&#x27;une bande du raster pour chaque bande du modèle, dans l&#x27;ordre du modèle, par exemple 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation>Le nom d&#x27;un modèle installé à partir duquel entraîner, ou le chemin de son fichier (.safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation>Graine des nombres aléatoires</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>La même graine redonne le même résultat, sur le processeur. Essayez-en d&#x27;autres pour voir ce qui varie.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation>Rapport</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation>Page web (*.html)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation>Trouver les prochains lieux à étiqueter</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation>Trouve les lieux d&#x27;un raster où un modèle est le moins sûr, dans l&#x27;ordre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation>apprentissage actif,incertitude,données d&#x27;entraînement,étiquettes,échantillons,annotation,apprentissage profond,IA,modèle de fondation,active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,deep learning,AI,foundation model</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Trouve les lieux où une étiquette apprend le plus à un modèle : ceux où ses deux classes les plus probables sont presque à égalité. Quelques lieux de ce genre améliorent plus un modèle que beaucoup d&#x27;autres qu&#x27;il connaît déjà.&lt;/p&gt;&lt;h3&gt;Entrées&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; et &lt;b&gt;modèle&lt;/b&gt; : ce que vous cartographiez, et le modèle que vous voulez améliorer.&lt;br&gt;&lt;b&gt;Bandes&lt;/b&gt; : laissez vide pour les associer par nom ou par longueur d&#x27;onde.&lt;br&gt;&lt;b&gt;Nombre de lieux&lt;/b&gt; : combien vous êtes prêt à en regarder.&lt;br&gt;&lt;b&gt;Côté d&#x27;un lieu&lt;/b&gt; : 0 prend 10 pixels du raster.&lt;br&gt;&lt;b&gt;Étiquettes existantes&lt;/b&gt; : les lieux qui s&#x27;y trouvent sont laissés de côté, y compris les modifications non enregistrées.&lt;br&gt;&lt;b&gt;Emprise&lt;/b&gt; et &lt;b&gt;masque&lt;/b&gt; : limitent la recherche ; une petite zone est donc rapide même dans une grande scène.&lt;/p&gt;&lt;h3&gt;Sortie&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Lieux à étiqueter&lt;/b&gt; : des carrés avec leur rang (1 est le moins sûr), l&#x27;incertitude (0 est sûr, 1 est indécis), et les deux classes entre lesquelles le modèle hésite, avec leurs probabilités. Les lieux gardent une distance entre eux, et pas plus de la moitié ne portent sur les deux mêmes classes s&#x27;il y en a d&#x27;autres.&lt;/p&gt;&lt;p&gt;Parcourez-les par rang, regardez chacun dans les images, et dessinez des polygones de ce que vous voyez dans votre couche d&#x27;étiquettes. Puis entraînez à nouveau à partir du modèle actuel, et trouvez les lieux suivants.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation>Nombre de lieux</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation>Côté d&#x27;un lieu (0 = 10 pixels)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation>Étiquettes existantes (laissées de côté)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation>Lieux à étiqueter</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation>Lieux</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation>La couche « {} » ne contient aucune entité à utiliser. Dessinez-en, vérifiez son filtre, ou décochez « Entités sélectionnées uniquement ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation>Les entités de « {name} » n&#x27;ont pas pu être copiées vers {path} : {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation>Rasters virtuels (*.vrt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation>« {} » doit être un raster virtuel : donnez un nom qui se termine par .vrt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation>{name} ({word})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation>automatique</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation>processeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation>segmentation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation>scènes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation>changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation>détection de changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation>réseau de base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation>la base reste telle quelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation>une petite partie de la base apprend</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation>toute la base apprend</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation>partout</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation>ici seulement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation>simple</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation>stratifié</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation>proportionnelle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation>égale</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation>interpoler</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation>abandonner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Le dossier de vos modèles, {folder}, ne peut pas être créé : {reason}. Choisissez un autre dossier pour le moteur avec Raster &gt; SpectralGPT &gt; Moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Cet outil a besoin des bibliothèques d&#x27;entraînement du moteur, qui ne sont pas installées. Installez-les avec Raster &gt; SpectralGPT &gt; Moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>SpectralGPT a besoin de son moteur, qui n&#x27;est pas encore installé. Installez-le avec Raster &gt; SpectralGPT &gt; Moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Le moteur de SpectralGPT ne fonctionne pas : {reason} Ouvrez Raster &gt; SpectralGPT &gt; Moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation>À gauche : avec « {} ». À droite : la carte sans elle.
Faites glisser la ligne, ou déplacez-la avec les touches fléchées. Échap pour terminer.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation>Comparer avec la carte en dessous</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>N&#x27;affiche la couche qu&#x27;à gauche d&#x27;une ligne que vous faites glisser sur la carte (Échap pour terminer)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation>Bande</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation>Nom</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation>Reconnue comme</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation>Longueur d&#x27;onde</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation>Usage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation>Verdict</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation>Pourquoi</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation>Utiliser…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation>Ouvre l&#x27;outil avec cette couche et ce modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation>Décrire la couche pour les modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation>&amp;Couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation>Valeurs</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation>Sans données</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation>Taille de pixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation>SCR</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation>Date de l&#x27;image</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation>Remarques</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation>&amp;Bandes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation>&amp;Modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation>Il n&#x27;y a pas de couche raster dans ce projet. Ajoutez-en une pour voir quels modèles lui conviennent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation>Décrire {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation>Examen des bandes et des valeurs de « {} »…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation>Arrêté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation>Aucune valeur nodata déclarée : chaque pixel compte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation>Les données de la couche « {} » sont introuvables. Réparez d&#x27;abord sa source (clic droit, Changer la source de données).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation>La couche « {} » n&#x27;est pas un fichier mais un service, ou n&#x27;existe que dans QGIS : ses bandes et ses valeurs ne peuvent pas être décrites. Enregistrez la zone voulue en GeoTIFF (clic droit, Exporter, Enregistrer sous) et décrivez cette couche.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation>Affinage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation>Convient</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation>Douteux</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation>Ne convient pas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation>Manquant : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation>Pixels de {pixel:.3g} m ; il a appris à {learned:.3g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation>Fonctionne sans {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation>Toutes ses bandes ont été trouvées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation>{model} : bande {band}, d&#x27;après {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation>{model} : aucune, {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation>Aérosols côtiers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation>Bleu</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation>Vert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation>Rouge</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation>Red edge 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation>Red edge 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation>Red edge 3</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation>Proche infrarouge</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation>Proche infrarouge, étroit</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation>Vapeur d&#x27;eau</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation>Cirrus</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation>Infrarouge à ondes courtes 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation>Infrarouge à ondes courtes 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation>Par sa longueur d&#x27;onde</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation>Non reconnue</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation>{} nm</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation>{width:.4g} × {height:.4g} m au sol</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation>{width} × {height} {unit}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation>Inconnue</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation>Rapport de diagnostic SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation>Joignez ce texte à une question ou à un rapport d&#x27;erreur. Votre dossier personnel, votre nom, le nom de cet ordinateur et les mots de passe en sont retirés ; relisez-le tout de même.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation>Collecte en cours…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation>&amp;Copier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation>&amp;Enregistrer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation>Enregistrer le rapport</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation>Fichiers texte (*.txt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation>Le rapport ne peut pas être enregistré sous {file} : {reason}. Choisissez un autre emplacement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation>Moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation>Le moteur est endommagé et doit être réparé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation>Réparer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation>L&#x27;installation du moteur n&#x27;est pas allée à son terme.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation>Installer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation>Les outils ont besoin d&#x27;un moteur, qui n&#x27;est pas encore installé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation>Pas maintenant</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation>Le moteur est prêt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation>Indique combien de fenêtres seront calculées, le temps nécessaire, et la mémoire et l’espace disque requis. Rien n’est écrit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation>Indiquez d’abord « {} » : la valeur manque ou est incorrecte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation>Arrêter l’estimation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation>Estimer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation>Fenêtres : {windows} ; {memory} de mémoire, {disk} sur le disque.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation>Fenêtres : {windows} ; {time}, {memory} de mémoire, {disk} sur le disque.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation>environ {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation>environ {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation>environ {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation>Aide</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation>Ouvre le guide à la page de cette fenêtre (F1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation>Classer l&#x27;occupation du sol…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation>Étiqueter des scènes…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation>Détecter les changements avec…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation>Affiner…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation>Décrire pour les modèles…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation>Les dates de ces couches ne sont pas connues : « {before} » a été prise comme la plus ancienne, car elle est la plus haute dans l&#x27;arborescence des couches. Échangez-les ici si c&#x27;est l&#x27;inverse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation>Journal de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation>Modèle installé ou chemin d&#x27;un fichier de modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation>Choisir un fichier de modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation>Partir de zéro : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation>Modèles à entraîner ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation>Modèles SpectralGPT ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation>{verdict} : {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation>Bandes, dans cet ordre : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation>Taille de pixel à l&#x27;apprentissage : {:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation>Classes : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation>Licence : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation>Placer le modèle « {} » dans la corbeille ?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation>« {} » a été supprimé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation>Rétab&amp;lir</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation>Le modèle n&#x27;a pas pu être rétabli : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation>« {} » ne peut pas être mis à la corbeille. Le supprimer définitivement ?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation>Le modèle n&#x27;a pas pu être supprimé : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation>Supprimer le modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation>Bandes, dans l&#x27;ordre du modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation>Précision sur des données exclues de l&#x27;entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation>La fiche n&#x27;a pas de chiffres : jugez sa carte avec « Évaluer une carte ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation>Données et recette</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation>{use} ; peut être entraîné davantage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation>{name} ({size})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation>Nom dans les paramètres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation>Résolution au sol</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation>{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation>Fenêtre</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation>{0} × {0} pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation>Origine</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation>Fichiers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation>Dossier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation>Licence</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation>Non indiquée</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation>Attribution</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation>Fourni avec l&#x27;extension</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation>depuis {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation>sur {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation>bande {} de la couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation>laissée de côté</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation>Partagé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation>Fourni</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation>Importé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation>Entraîné ici</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation>Personnel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation>L&#x27;IoU (intersection sur union) est le recouvrement de la carte et de la réalité : de tout le terrain qui est d&#x27;une classe ou est cartographié comme telle, la part où les deux concordent. 1 est le mieux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation>Intervalle à 95 %</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation>Recouvrement moyen (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation>F1 moyen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation>Précision moyenne (mAP)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation>Précision</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation>Rappel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation>Échantillons</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation>Interpolation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation>Moyenne</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation>Modèle de départ</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation>Étiquettes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation>Champ</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation>Étiquetés</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation>Zone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation>Graine</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation>Scènes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation>Époques</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation>Étapes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation>Perte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation>Dernière perte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation>Processus</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation>Images</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation>Mégapixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation>Données</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation>Secondes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation>Fenêtres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation>Taille de lot</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation>Pas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation>Taux d&#x27;apprentissage</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation>Caché</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation>Écarté</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation>Rechercher des modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation>Tous les modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation>À entraîner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation>Toute couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation>&amp;Pour</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation>&amp;Couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation>Renommer le modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation>Ce qu&#x27;attendent les paramètres et les scripts, et le nom que portent les fichiers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation>&amp;Titre</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation>&amp;Nom du fichier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation>Télécharger un modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation>Depuis une autre adresse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation>Inconnu : le fichier n&#x27;est pas comparé avec celui qui a été publié</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation>&amp;Modèle</translation>
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
        <translation>Télécharger</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation>inconnue avant le téléchargement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation>{about}&lt;br&gt;Taille : {size}&lt;br&gt;Licence : {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation>Dossiers de modèles partagés</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation>Les modèles de ces dossiers, par exemple sur un lecteur réseau, sont listés eux aussi ; rien n&#x27;y est écrit. Un de vos propres modèles passe avant un modèle partagé du même nom, lequel passe avant un modèle fourni.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation>&amp;Ajouter…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation>&amp;Retirer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation>Choisir un dossier de modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation>Couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation>Taille</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation>Import de « {} »…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation>Modèles…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation>Comparer les modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation>Lister les modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation>Modèles SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation>&amp;Importer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation>Reprendre un fichier de modèle ou un checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation>&amp;Télécharger…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation>Récupérer des poids publiés</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation>&amp;Exporter…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation>Écrire le modèle pour l&#x27;utiliser ailleurs</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation>&amp;Renommer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation>Un autre titre ou nom</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation>&amp;Supprimer…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation>Placer le modèle dans la corbeille</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation>&amp;Dossiers partagés…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation>Dossiers que plusieurs personnes utilisent</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation>Recherche des modèles installés…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation>Aucun modèle ne correspond. Modifiez le texte, ou choisissez tous les modèles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation>La couche « {} » n&#x27;est pas un fichier, ses bandes ne peuvent donc pas être comparées avec les modèles. Enregistrez-la d&#x27;abord en GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation>Importer le modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation>Modèles et checkpoints ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation>Annulé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation>Importer {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation>Le modèle « {} » a été importé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation>Renommer {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation>Le modèle s&#x27;appelle maintenant « {} ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation>Télécharger {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation>{there} sur {whole}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation>Un autre modèle est en cours de traitement. Attendez que ce soit terminé, ou annulez-le.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation>« {} » n&#x27;est pas un fichier de modèle : il faut un fichier .onnx ou .safetensors de cette extension, ou un checkpoint SpectralGPT (.pth).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation>&amp;Annuler</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation>Valeurs par défaut des outils</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation>Automatique : le GPU s&#x27;il fonctionne, sinon le processeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation>Processeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation>GPU, ou arrêt</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation>Tous ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation> Mo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation>Aucune limite</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation>Un travail qui en demande plus se termine par un message, au lieu de ralentir l&#x27;ordinateur. Concerne la mémoire de l&#x27;ordinateur, pas celle d&#x27;un GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation>macOS n&#x27;a aucun moyen d&#x27;imposer une telle limite.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation>Calculer &amp;sur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation>T&amp;hreads du processeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation>&amp;Limite de mémoire</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation>Examen du moteur…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation>Installation</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation>&amp;Installer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation>&amp;Vérifier</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation>&amp;Réparer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation>&amp;Désinstaller…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation>Arrêter</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation>Teste les bibliothèques du moteur, le processeur et le GPU par un vrai calcul.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation>Refait le moteur à neuf ; l&#x27;ancien reste jusqu&#x27;à ce que le nouveau fonctionne.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation>Désinstalle le moteur. Vos propres modèles restent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation>Le moteur en service est resté tel quel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation>Journal et diagnostic</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation>Journal</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation>Ce que dit le moteur apparaît ici.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation>Rap&amp;port de diagnostic…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation>Versions, paramètres et derniers messages, sans données personnelles, à envoyer à d&#x27;autres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation>&amp;Mettre à jour</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation>Désinstaller le moteur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation>Désinstaller le moteur SpectralGPT ? Vos propres modèles restent ; il peut être réinstallé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{} MB</source>
        <translation>{} Mo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{:.1f} GB</source>
        <translation>{:.1f} Go</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is installed and ready.</source>
        <translation>Le moteur est installé et prêt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation>Le moteur fonctionne, et une mise à jour est disponible.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation>Le moteur n&#x27;est pas encore installé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation>Le moteur calcule les cartes, dans un processus à part. Il est téléchargé une seule fois, dans un dossier qui vous appartient ; rien n&#x27;est changé dans QGIS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation>cartes et entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation>cartes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation>processeur et GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation>processeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation>Usage : {what} ; périphérique : {device}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation>{size} dans {place}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation>Dossier : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation>Depuis le dossier de wheels, rien n&#x27;est téléchargé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation>Le volume du téléchargement n&#x27;est pas connu pour ce système.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation>Télécharge {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation>Nécessite {} sur le disque.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation>Nécessite {needed} sur le disque, où seulement {free} sont libres : libérez de la place, ou choisissez un autre dossier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation>Nécessite {needed} sur le disque, où {free} sont libres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation>Pas encore testé sur cette machine. « Vérifier » essaie le processeur et le GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation>Testé le {} :</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation>fonctionne</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation>non disponible</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation>{milliseconds:g} ms pour {side} x {side} pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation>Cartes graphiques : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation>GPU pour l&#x27;entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation>Le moteur a réussi son test.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation>Python {python} sur {platform}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation>Bibliothèques : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation>Installer le moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation>Réparer le moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation>Désinstaller le moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation>Annulation…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation>Terminé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation>Échec : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation>&amp;Cartes avec des modèles existants</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation>Cartes, import de checkpoints et entraî&amp;nement de vos propres modèles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation>Prise en charge d&#x27;un &amp;GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation>Tailles des paquets de ce système, relevées le {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation>Réseau et dossiers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation>comme dans QGIS : aucun (http://user:password@host:port)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation>La variable d&#x27;environnement {} indique où.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation>Index des paquets</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation>Certificats (fichier CA)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation>Hors ligne : dossier de wheels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation>Dossier du moteur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation>{} [optionnel]</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation>Ouvrir son produit entier…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation>Ouvrir le rapport</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation>Afficher le journal</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation>Le modèle « {} » est prêt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation>Ajouté au projet : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation>Le rapport est prêt : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation>Ligne entre les deux cartes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation>Scènes mises de côté : précision moyenne (mAP) {:.2f} (1 est le mieux).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation>La qualité du modèle n&#x27;est pas connue : aucune étiquette n&#x27;a pu être mise de côté pour le juger.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation>Parmi les scènes mises de côté, {share} ont reçu la bonne étiquette.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation>Parmi les pixels étiquetés mis de côté, {share} sont bien cartographiés.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation>Tout se trouve en un seul lieu, on ne peut donc pas dire à quel point c&#x27;est sûr.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Parmi les scènes mises de côté, {share} ont reçu la bonne étiquette : {low} à {high} avec une confiance de 95 %, jugé en {places} lieux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Parmi les pixels étiquetés mis de côté, {share} sont bien cartographiés : {low} à {high} avec une confiance de 95 %, jugé en {places} lieux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation>Les bandes de « {} » sont associées au début de l&#x27;entraînement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation>Bandes trouvées : {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation>Classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation>Préc.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation>Précision : de ce qui est cartographié comme cette classe, la part qui en est (précision de l&#x27;utilisateur).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation>Rappel : de ce qui est de cette classe, la part cartographiée comme telle (précision du producteur).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation>F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation>Précision et rappel en un seul chiffre : leur moyenne harmonique.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation>Recouv.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation>Recouvrement (intersection sur union, IoU) : de tout ce qui est de cette classe ou est cartographié comme telle, la part où les deux concordent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation>Recouvrement (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation>Recouvrement (intersection sur union, IoU) : de tout le terrain qui est de cette classe ou est cartographié comme telle, la part où les deux concordent. 100 % est le mieux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation>Inconnu : aucune étiquette de cette classe n&#x27;est mise de côté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation>Supprimer la classe « {} »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation>Réunir la classe &#x27;{gone}&#x27; avec &#x27;{kept}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation>Il y a déjà une classe &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation>Réunir &#x27;{}&#x27; avec elle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation>La couche « {} » ne peut pas être modifiée. Enregistrez-la en GeoPackage (clic droit, Exporter, Sauvegarder les entités sous) et utilisez ce fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation>Dessiner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation>Ce que vous dessinez reçoit la classe choisie. Un clic droit termine un polygone ; cliquez à nouveau pour arrêter.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation>Ajouter une classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation>Supprime la classe choisie et ses étiquettes ; Annuler les rétablit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation>Aucune cellule du raster n&#x27;a cette valeur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} points sur au moins {wanted}. Placez-en de {wanted} à dix en différents lieux : certains sont mis de côté pour juger le modèle sur un terrain dont il n&#x27;a pas appris.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} polygones sur au moins {wanted}. Dessinez-en de {wanted} à dix en différents lieux : certains sont mis de côté pour juger le modèle sur un terrain dont il n&#x27;a pas appris.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation>Polygones</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation>Valeur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation>Pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation>Surface étiquetée en pixels du premier raster ; les modifications non enregistrées comptent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation>Double-cliquez pour choisir une autre couleur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation>{} (double-cliquez pour renommer)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation>Dessiner des polygones de « {} »</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation>Couleur de la classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation>{reference} : {count} bien cartographiés ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation>{reference} : {count} cartographiés comme {mapped} ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation>Référence ↓</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation>Cartographié comme →</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation>Somme</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation>meilleur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation>Affiner un modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation>Les bibliothèques d&#x27;entraînement du moteur manquent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation>Entraînement… Vous pouvez continuer à dessiner pendant ce temps.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation>Les outils de SpectralGPT ne sont pas dans la boîte à outils. Rechargez l&#x27;extension.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation>1 Images et étiquettes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation>2 Entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation>3 Résultat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation>Apparaît une fois un modèle entraîné.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation>&amp;Moteur…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation>Durée prévue : environ {time}, d&#x27;après un entraînement précédent sur cette machine ({earlier}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation>Durée prévue : environ {time}. Elle a été mesurée sur une autre machine ; après le premier entraînement, c&#x27;est celle-ci qui l&#x27;indique.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation>Durée prévue : inconnue avant le premier entraînement de ce type sur cette machine.</translation>
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
        <translation>&amp;Entraîner</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation>Prêt pour l&#x27;entraînement.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation>Carte de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation>Une classe pour chaque pixel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation>Une étiquette pour tout un polygone ou toute une cellule de grille.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation>Changements</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation>Où deux dates diffèrent.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation>&amp;Tâche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation>Choisissez le raster du terrain que vous voulez étiqueter.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation>Choisissez le raster de la seconde date.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation>Les deux dates sont le même raster. Choisissez-en un autre pour la seconde date.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation>Examen des bandes…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation>Inchangé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation>Changé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation>Classe 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation>Classe 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation>Classe {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation>Comptage des étiquettes de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation>Le fichier {} existe déjà et est laissé tel quel. Indiquez un autre nom.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation>La couche d&#x27;étiquettes n&#x27;a pas pu être créée dans {path} : {reason} Choisissez un dossier où vous avez le droit d&#x27;écrire.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation>Créez une couche d&#x27;étiquettes, ou choisissez-en une.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation>Choisissez le champ de la classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation>Comptage des étiquettes…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation>« {name} » a {found} valeurs différentes : c&#x27;est une image et non un raster de classes. Choisissez une autre couche.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>{found} valeurs différentes ont été trouvées, et un modèle peut avoir {most} classes au plus. Choisissez le champ de la classe, et non un champ qui numérote les entités, ou réunissez des classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation>Toutes les étiquettes sont à côté des rasters. Dessinez-en sur ceux-ci.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation>Étiquetez au moins deux classes : rien n&#x27;est encore étiqueté « {} ».</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation>Étiquetez au moins deux classes. Ajoutez-en une deuxième.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation>Peu d&#x27;étiquettes : {}. Le modèle peut être entraîné, mais guère jugé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation>Choisissez d&#x27;abord un raster : la couche d&#x27;étiquettes reprend son système de coordonnées.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation>Étiquettes {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation>Où conserver les étiquettes ?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation>Sans classe, et donc laissées de côté : {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation>À côté des rasters, et donc laissées de côté : {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation>Choisir une couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation>&amp;Nouveau…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation>Crée une couche de polygones vide à côté du projet, avec un champ pour la classe, et commence à y dessiner.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation>Cham&amp;p</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation>Dessinez trois à dix petits polygones de chaque classe, en différents lieux, chacun sur un terrain qui est sûrement de cette classe. Ce que vous n&#x27;étiquetez pas est ignoré.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation>Trouver les prochains &amp;lieux à étiqueter</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation>Dans la vue de la carte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation>Dans toute la couche</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation>Où chercher des lieux</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation>Pour les modèles qui donnent une classe à chaque pixel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation>Prochains lieux à étiqueter</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation>Les lieux ne peuvent pas être ouverts : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation>Lieux trouvés en {seconds:.1f} s : {count}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation>Recherche de modèles de départ…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation>Choisissez le modèle de départ, sous Avancé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation>Toutes les images</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation>Robuste à d&#x27;autres dates, à une autre lumière et à la brume.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation>Ces rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation>Un peu meilleur ici, et peut échouer ailleurs.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation>À &amp;utiliser sur</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation>N&amp;om du modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation>Avancé</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation>Modèle de &amp;base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation>Pér&amp;iphérique</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation>Mis de côté pour &amp;juger</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation>Numéros des b&amp;andes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation>Automatique</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation>Décide d&#x27;après vos étiquettes et votre machine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation>La base reste telle quelle (quick)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation>Seule une dernière étape apprend : prend quelques secondes et convient à peu d&#x27;étiquettes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation>Une petite partie apprend (adapters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation>Change une petite partie des poids de la base : prend des minutes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation>Toute la base apprend (full)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation>Change tous les poids : demande beaucoup d&#x27;étiquettes et un GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation>Combien de fois les étiquettes sont parcourues.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation>Un GPU s&#x27;il fonctionne, sinon le processeur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation>Des groupes entiers d&#x27;étiquettes voisines, pour que le modèle soit jugé ailleurs ; avec 0, il n&#x27;est pas jugé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>La même graine redonne le même résultat. Essayez-en d&#x27;autres pour voir ce qui varie.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation>associées automatiquement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation>Une bande du raster pour chaque bande de la base, dans son ordre, par exemple 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation>Précé&amp;dent</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation>Sui&amp;vant</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation>Lieux, les moins sûrs d&#x27;abord : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation>Lieu {number} sur {count} :</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation>{first} ou {second} ?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>Décidé automatiquement : &#x27;{base}&#x27; reste tel quel, et seule une dernière étape apprend vos changements (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation>Part de &#x27;{base}&#x27;. La part qui en apprend est décidée par vos étiquettes et votre machine.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation>Décidé automatiquement : &#x27;{base}&#x27; reste tel quel, et seule une dernière étape apprend vos classes (quick). Cela convient à moins de {many} étiquettes ; il y en a {labels}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation>Décidé automatiquement : avec {labels} étiquettes, &#x27;{base}&#x27; apprend aussi, en entier sur un GPU qui fonctionne (full), sinon en petite partie (adapters), ou pas du tout s&#x27;il est grand (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>&#x27;{base}&#x27; reste tel quel, et seule une dernière étape apprend vos étiquettes (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation>Une petite partie de &#x27;{base}&#x27; apprend aussi (adapters).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation>Tout &#x27;{base}&#x27; apprend aussi (full) : demande beaucoup d&#x27;étiquettes et un GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation>La carte ne montre aucun raster dont le modèle a appris. Zoomez sur l&#x27;un d&#x27;eux.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation>Les rasters dont le modèle a appris n&#x27;existent plus.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation>Aperçu : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation>L&#x27;aperçu ne peut pas être ouvert : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation>Aperçu du milieu de la carte en {seconds:.1f} s. Zoomez pour voir une autre partie.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation>Aperçu de ce que montre la carte en {seconds:.1f} s.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation>Examen des bandes de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation>Raster de la seconde date</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation>Retirer ce raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation>vers</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation>&amp;Ajouter un raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation>Apprend de plusieurs rasters à la fois : d&#x27;autres lieux, d&#x27;autres dates. Ils partagent les étiquettes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation>&amp;Ajouter une paire de rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation>Choisir un raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation>Ouvre le rapport dans le navigateur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation>Aperç&amp;u</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation>Cartographie ce que montre la vue de la carte, en couche temporaire au-dessus des images.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation>&amp;Comparer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>N&#x27;affiche l&#x27;aperçu qu&#x27;à gauche d&#x27;une ligne que vous faites glisser sur la carte (Échap pour terminer)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation>&amp;Appliquer à toute la couche…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation>Ouvre l&#x27;outil avec le modèle et le raster déjà renseignés.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation>Carte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation>&amp;Réentraîner à partir de ce modèle</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation>Revient aux étiquettes, avec ce modèle comme modèle de départ.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation>L&#x27;améliorer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation>Pourcentage de chaque ligne</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation>Une fois un modèle entraîné, sa qualité s&#x27;affiche ici.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation>Cartographie de ce que montre la carte…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation>Étiquettes mises de côté : {samples}. Chaque lieu a été mis de côté une fois, face à un modèle qui ne l&#x27;a pas vu ; le modèle lui-même a appris de tous.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation>Étiquettes mises de côté : {samples}. La meilleure passe a été choisie d&#x27;après ces mêmes étiquettes, elles le flattent donc un peu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation>Perte d&#x27;entraînement</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation>Passe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation>Parties jugées</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation>Les courbes apparaissent dès que des étiquettes mises de côté ont été jugées.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation>Il n&#x27;y a rien à tracer : aucune étiquette n&#x27;a été mise de côté.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation>Démarrage du moteur…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation>Arrêt immédiat…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation>Arrêt, et écriture du meilleur modèle obtenu…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation>Arrêt…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation>Avertissement : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation>Arrêté. Il n&#x27;y avait pas encore de modèle, rien n&#x27;a donc été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation>Arrêter maintenant</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation>Sur les étiquettes mises de côté, après la passe {done} sur au plus {rounds} :</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation>Sur les étiquettes mises de côté, avant la première passe :</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation>Sur les étiquettes mises de côté, {done} parties sur {parts} :</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation>Aucune étiquette n&#x27;a encore été jugée.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation>« Arrêter maintenant » n&#x27;attend pas et ne conserve rien.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation>Il n&#x27;y a pas encore de modèle : « Annuler » ne laisse rien.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation>« Annuler » conserve le modèle tel qu&#x27;il est.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation>« Annuler » conserve le modèle d&#x27;avant la première passe, le meilleur jusqu&#x27;ici.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation>« Annuler » conserve le modèle de la passe {best}, le meilleur jusqu&#x27;ici.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation>Arrêté avant la fin. Le modèle de la passe {best}, le meilleur jusqu&#x27;ici, a été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation>Arrêté avant la fin. Le modèle d&#x27;avant la première passe a été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation>Arrêté avant la fin. Le modèle de la dernière passe a été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation>Terminé en {time}. Le modèle de la passe {best}, le meilleur, a été conservé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation>Terminé en {time}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation>SpectralGPT parle français</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation>encore environ {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation>encore environ {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation>encore environ {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation>La couche « {} » n&#x27;a pas de système de coordonnées de référence. Définissez-le par clic droit, SCR de la couche.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation>La couche &#x27;{}&#x27; n&#x27;a aucun champ de texte ou de nombres entiers qui puisse contenir une classe. Ajoutez-en un et donnez à chaque entité sa classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation>Aucune étiquette n&#x27;a de classe : remplissez le champ &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>La couche « {} » est une image dessinée par un service web : ses couleurs ne sont pas des classes. Choisissez le raster de classes lui-même, en GeoTIFF ou depuis un service de couvertures (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation>Ouvrir un produit satellite…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation>Carte d&#x27;occupation du sol…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation>Détecter les changements…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation>Décrire la couche pour les modèles…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation>Moteur…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation>SpectralGPT {} (modèles pour rasters multispectraux)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation>Aperçu rapide : {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation>La valeur nodata de « {name} », bande {band}, est désactivée dans les propriétés de la couche ; elle est tout de même respectée ici.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation>La plage nodata supplémentaire {low} à {high} de « {name} » est laissée de côté : seules les valeurs isolées sont prises en charge.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation>{tool} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation>{tool} : {subject} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation>Aucune classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation>À juger</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation>Le style de {} n&#x27;a pas été enregistré : le fichier ne peut pas être ouvert.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation>Il n&#x27;y a pas d&#x27;algorithme « {} ». Activez l&#x27;extension qui le fournit.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation>Les entrées n&#x27;ont pas pu être lues. Le journal en dit plus.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation>Rapport de diagnostic SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation>« {} » n&#x27;est pas une adresse téléchargeable : elle doit commencer par https:// ou http://.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation>« {path} » ne peut pas être écrit : {reason}. Libérez de la place, ou choisissez un autre dossier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation>Le téléchargement n&#x27;a pas commencé : {} Vérifiez l&#x27;adresse, le réseau et le proxy dans Préférences &gt; Options &gt; Réseau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation>Le téléchargement a été interrompu : {} Ce qui est arrivé est conservé ; téléchargez à nouveau pour continuer à partir de là.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation>le fichier a changé sur le serveur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation>{came} octets sur {whole} sont arrivés.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation>le serveur n&#x27;a rien envoyé.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation>Il n&#x27;y a pas de fichier à {} (404). Vérifiez l&#x27;adresse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation>Le serveur ne donne pas {url} à tout le monde ({status}). Téléchargez-le avec votre navigateur et importez le fichier.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation>Le proxy demande un nom et un mot de passe (407). Définissez-les dans QGIS : Préférences &gt; Options &gt; Réseau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation>Le serveur a répondu {status} pour {url}. Réessayez plus tard.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation>Le fichier téléchargé fait {came} octets au lieu de {size}. Il a été supprimé ; réessayez plus tard.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation>Le fichier téléchargé n&#x27;est pas celui qui a été publié : son SHA-256 est {found}, alors que {expected} est attendu. Il a été supprimé ; ne l&#x27;utilisez pas non plus depuis une autre source.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation>Examiner le moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation>Vérifier le moteur SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation>Test de {}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation>polygones</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation>{pixels} pixels de {units} polygones</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation>points</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation>{pixels} pixels</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation>raster de classes</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation>{pixels} pixels de {units} régions connexes</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation>{raster}, cartographié avec {model}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation>Classes associées par nom</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation>Classes associées par valeur</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation>Classes associées par nom et valeur</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation>Références</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation>Plan d&#x27;échantillonnage</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation>échantillon aléatoire stratifié</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation>Échantillons de référence</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation>Résumé</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation>Comment cela a été obtenu</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation>Précision (de l&#x27;utilisateur) : de ce qui est cartographié comme une classe, la part qui l&#x27;est vraiment. Rappel (précision du producteur) : de ce qui est une classe, la part cartographiée comme telle. Les moyennes portent sur les classes présentes dans les références ou la carte.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation>Précision d&#x27;une carte de classes</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation>Précision globale, pondérée par la surface</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation>Précision globale de l&#x27;échantillon</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation>Kappa de l&#x27;échantillon</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation>Recouvrement moyen (IoU) de l&#x27;échantillon</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation>F1 moyen de l&#x27;échantillon</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation>Précision de l&#x27;utilisateur</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation>Précision du producteur</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation>Cartographié, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation>Estimé, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation>Intervalle à {level}, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation>Précision pondérée par la surface, et surfaces</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation>Estimations pour toute la carte d&#x27;après l&#x27;échantillon stratifié (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57) : chaque classe compte selon sa surface, non selon ses points. Les surfaces estimées sont corrigées des erreurs de la carte ; indiquez celles-ci, avec leurs intervalles.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation>Intervalles : {level}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation>Parts de surface estimées</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation>Référence</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation>Cartographié</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation>Précision (de l&#x27;utilisateur)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation>Rappel (précision du producteur)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation>F1 de chaque classe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation>{value} (intervalle à {level} : {interval})</translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation>*** remplace un identifiant ou une clé d&#x27;accès, que les rapports omettent : mettez les vôtres à la place.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation>vrai ↓ cartographié →</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation>somme</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation>Aucune valeur.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation>Créé avec SpectralGPT pour QGIS {version}</translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation>{raster}, ligne {row}, colonne {column} : image, étiquettes, carte</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation>Seconde date</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation>Lieux étiquetés</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation>Bandes</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation>{pixels} px de {size} m</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation>{file}, champ {field}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation>Résultat</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation>Terrain qu&#x27;il n&#x27;a pas vu</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation>Ce qu&#x27;il peint</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation>Entrée masquée ({share} caché), reconstruction, erreur (noir : aucune) dans {raster}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation>Paramètres</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation>Pour refaire la même chose :</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation>Réseau de base préentraîné sur {rasters} rasters sans étiquettes</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation>appris</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation>poids aléatoires</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation>Poids</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation>Durée</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation>{seconds} s, processus : {processes}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation>entraînement</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation>époque</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation>perte</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation>ce réseau</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation>interpolation</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation>moyenne de la bande</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation>Erreur sur les parties mises de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation>erreur quadratique moyenne</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation>Les images étaient trop petites pour en mettre une partie de côté.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation>{measure}. {windows} fenêtres de {pixels} px.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation>Erreur</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation>Étape</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation>Lots</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation>toutes</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation>Les {shown} premiers sur {all}.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation>Scènes étiquetées</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation>Données et paramètres</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation>Relancer</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation>Avec le Python du moteur, dans le dossier de l&#x27;extension :</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation>Segmentation, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation>Classification de scènes, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation>Détection de changements, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation>rapide : une tête sur le réseau de base figé</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation>adaptateurs : quelques poids du réseau de base sont aussi appris</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation>complet : tous les poids sont appris</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation>inconnue : aucune étiquette n&#x27;a pu être mise de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation>Jugé sur</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation>Scènes mises de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation>Pixels mis de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation>Sur les étiquettes mises de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation>Pixels étiquetés</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation>Couleur</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation>Étiquettes de chaque classe</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation>Exemples</translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation>Un échantillon de {1} points ne peut pas couvrir {2} classes. Demandez au moins {3} points, mieux {4}.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation>La carte {1} contient des nombres décimaux ({2}), alors que des nombres entiers désignant des classes sont attendus. Choisissez une carte de classes, comme en produit « Carte d&#x27;occupation du sol », ou convertissez-la (Raster &gt; Conversion &gt; Convertir, type de sortie Byte) si ses nombres sont des classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation>{1} est une image (bandes : {2}, {3}), alors qu&#x27;une carte de classes est attendue : une bande de nombres entiers désignant des classes. Choisissez la carte que « Carte d&#x27;occupation du sol » produit à partir de l&#x27;image. Pour évaluer un modèle, donnez à « Évaluer une carte » l&#x27;image et le modèle.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation>Comptage des classes de la carte</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>La carte {1} a plus de {2} valeurs différentes, alors que des classes sont attendues. Choisissez une carte de classes, comme en produit « Carte d&#x27;occupation du sol ».</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation>. Choisissez une carte de classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation>Lecture de la carte aux références</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation>{1} a plusieurs bandes, comme une image ; la première a été évaluée en tant que carte de classes. S&#x27;il s&#x27;agit d&#x27;une image, choisissez la carte qui en a été tirée, ou en plus un modèle.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation>La carte n&#x27;a de classe sous aucune des {1} références {2} : elle y est sans données. Choisissez des références sur la partie cartographiée, ou une autre carte.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation>La carte n’a pas de classe pour {1} : {2} échantillons de référence comptent comme erreurs. Si c’est l’une des classes de la carte, donnez le même nom aux deux ; là où la vérité n’est pas connue, laissez-la vide.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation>La carte n’a pas de classe pour {1} : {2} échantillons de référence ont été pris pour non étiquetés et laissés de côté.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation>{1} échantillons de référence sur {2} se trouvent là où la carte est sans données ; ils sont laissés de côté.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation>Terminé</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation>Les références {1} sont : {2} ; le plan « stratified » attend des points tirés au hasard dans chaque classe de la carte. Tirez-les avec « Tirer un échantillon d&#x27;une carte », ou choisissez le plan « simple ».</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation>Les pixels voisins ne sont pas indépendants : les intervalles portent sur les {1} surfaces de référence, non sur les {2} pixels. Pour des chiffres valables pour toute la carte, tirez un échantillon aléatoire stratifié.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation>{1} surfaces de référence, c&#x27;est peu : les intervalles sont larges, et eux-mêmes approximatifs.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation>{1} points sur {2} se trouvent dans une autre classe de cette carte que celle dont ils ont été tirés : l&#x27;échantillon est celui d&#x27;une autre carte. Ses strates ont été utilisées avec leurs poids (Stehman 2014), en supposant que les deux cartes couvrent le même terrain.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation>Aucun point n&#x27;a été étiqueté dans {1}, soit {2} de la carte : les chiffres ajustés par la surface valent pour le reste. Étiquetez-y des points.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation>Un seul point a été étiqueté dans {1} : les intervalles qui exigent sa variance manquent.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation>Aucune classe des références {1} n&#x27;est une classe de la carte. Les références ont {2} ; la carte a {3}. Choisissez le champ dont les valeurs sont les classes de la carte, par nom ou par valeur, ou renommez les classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation>Les classes ont été associées par valeur, bien que leurs noms diffèrent : {1}. Donnez-leur les mêmes noms si c&#x27;est faux.</translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation>Les références {1} ont les champs &#x27;{2}&#x27; et &#x27;{3}&#x27; d’un échantillon tiré, mais tous les points n’ont pas les deux : ses strates ne peuvent pas être utilisées, et les chiffres ne valent peut-être pas pour toute la carte. Supprimez les points qui n’ont pas été tirés, ou remplissez les deux champs.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation>{1} points : {2}</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation>Remplissez le champ « {1} » avec la vraie classe de chaque point, par nom ou par valeur, en commençant par le premier ; puis évaluez la carte avec eux.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation>La classe {1} n&#x27;a que {2} pixels, moins que les {3} points voulus par classe : tous sont pris.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation>La classe {1} reçoit {2} point : sa précision n&#x27;aura pas d&#x27;intervalle. Demandez plus de points, ou un minimum plus grand.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation>{1} points sont tirés au lieu de {2} : chaque classe a besoin de son minimum.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation>Tirage des points</translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation>Chaque strate qui a une surface a besoin d&#x27;un point, et il doit y avoir au moins une strate.</translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation>{1} des {2} références sont des étiquettes avec lesquelles le modèle a été entraîné : la précision est donc trop élevée. Utilisez des références qui n&#x27;ont pas servi à l&#x27;entraînement.</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation>les noms ne font que numéroter les bandes</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation>les noms SR_ n&#x27;indiquent pas de quel Landsat il s&#x27;agit</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation>les noms pourraient être ceux de Sentinel-2 ou de Landsat</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation>{1}. Le modèle a besoin de {2} ; introuvable : {3}. </translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation>Le raster n&#x27;a qu&#x27;une seule bande, {1}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation>Les {1} bandes du raster n&#x27;ont ni noms ni longueurs d&#x27;onde</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation>Les {1} bandes du raster sont {2}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>Il faut au moins {1} bandes dans un seul raster. Si ce fichier fait partie d&#x27;un produit satellite (Sentinel-2, Landsat, HLS), « Ouvrir un produit satellite » réunit toutes ses bandes en un raster. Sinon, empilez les fichiers de bandes avec Raster &gt; Divers &gt; Construire un raster virtuel, chaque fichier dans une bande séparée.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation>Il faut au moins {1} bandes : utilisez un raster qui les a toutes, ou un autre modèle.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation>Donnez aux bandes des descriptions comme B02, ou saisissez dans BANDS les numéros de bande du raster dans l&#x27;ordre du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation> Si l&#x27;ordre est {1} ({2}), BANDS vaut {3}.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation>BANDS mentionne la bande {1}, mais les bandes du raster sont {2}. Les numéros de bande commencent à 1, et une bande alpha ne peut pas être utilisée.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation>absente de BANDS</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation>BANDS donne deux fois la bande {1} du raster, pour {2} et pour {3}. Chaque bande du modèle a besoin de sa propre bande du raster.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation>BANDS, position {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation>BANDS a {1} numéros, mais le modèle a besoin de {2} ({3}){4}. Indiquez un numéro de bande du raster pour chacune, dans cet ordre.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation>remplace {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation>introuvable</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation>le nom {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation>Les bandes {1} du raster pourraient toutes être la bande {2} du modèle : {3}. Précisez avec BANDS laquelle utiliser.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation>la longueur d&#x27;onde {1} nm</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation>omise : pas de {1}</translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation>« {1} » n&#x27;est pas un modèle de SpectralGPT, ou est endommagé. Copiez le fichier à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation>La fiche du modèle ne peut pas être lue : elle n&#x27;a pas été écrite par cette version de SpectralGPT. Importez le modèle à nouveau, ou mettez l&#x27;extension à jour.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation>La fiche du modèle indique la tâche « {1} », alors que l&#x27;une de celles-ci est attendue : {2}. Mettez l&#x27;extension à jour.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation>La fiche du modèle &#x27;{1}&#x27; ne peut pas être juste : {2}. Copiez de nouveau le fichier, ou refaites ou réimportez le modèle.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation>un de ses noms ou une de ses descriptions n&#x27;est pas un texte</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation>son seuil, son architecture, son entraînement ou sa précision n&#x27;est pas une table</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation>ses classes ont les valeurs {1}, on attend des valeurs différentes de 0 à {2}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation>une de ses classes a la valeur d&#x27;absence de données, {1}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation>une classe a la couleur &#x27;{1}&#x27;, on attend une couleur telle que #1f78b4</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation>elle n&#x27;a pas de bandes, ou en a une dont la longueur d&#x27;onde n&#x27;est pas un nombre</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation>le côté de sa fenêtre, ses bandes par groupe ou ses pixels ne sont pas supérieurs à 0</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation>« {1} » ne contient pas de poids à partir desquels entraîner : un modèle .safetensors est attendu. Un modèle .onnx peut seulement prédire ; choisissez le modèle dont il a été exporté.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation>Les poids de « {1} » ne peuvent pas être lus. Copiez le fichier à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation>Les poids de « {1} » ne correspondent pas au réseau décrit par sa fiche : {2} manquent, sont en trop ou ont une autre forme ({3}). Entraînez ou importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation>Les images n&#x27;ont aucun pixel valide pour l&#x27;entraînement. Vérifiez leurs valeurs nodata.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation>Aucune étiquette n&#x27;est mise de côté, le modèle ne peut donc pas être jugé : pour juger au moins deux classes, chacune a besoin d&#x27;étiquettes en deux lieux distants de plus de {1} pixels, non reliés par d&#x27;autres étiquettes. Dessinez un deuxième lieu pour {2}{3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation>{1} : impossible à juger, toutes les étiquettes d&#x27;une telle classe se trouvent en un seul lieu, à moins de {2} pixels les unes des autres, ou seulement à côté d&#x27;étiquettes nécessaires à l&#x27;apprentissage. Dessinez un deuxième lieu pour chacune, plus loin.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation>Les étiquettes se trouvent en {1} lieux distants de plus de {2} pixels, alors qu&#x27;il en faut au moins {3}, un pour chaque partie. Dessinez des étiquettes en plus de lieux, ou demandez moins de parties.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation>Les étiquettes sont trop proches les unes des autres pour être mises de côté par lieux distants de plus de {1} pixels : elles ont été découpées en carrés de {2} pixels, et {3} pixels étiquetés entre ceux qui servent à apprendre et ceux qui servent à juger ne sont pas utilisés.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation>L&#x27;emprise {1} n&#x27;a pas de surface : il faut xmin &lt; xmax et ymin &lt; ymax. Dessinez-la à nouveau, ou laissez-la vide pour traiter tout le raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation>L&#x27;emprise {1} ne peut pas être convertie dans le SCR du raster ({2}). Indiquez-la dans le SCR du raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation>L&#x27;emprise {1} ne touche pas le raster, dont les limites sont {2} en {3}. Choisissez une emprise sur le raster, ou vérifiez le SCR de l&#x27;emprise.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation>Le dossier {1} ne contient aucun raster se terminant par {2}. Choisissez un autre dossier, ou indiquez les rasters un par un.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation>Aucune image n&#x27;a été indiquée. Choisissez des rasters ou des dossiers dont apprendre.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation>Examen du raster {1} sur {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation>Laissé de côté : {1}. {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation>Aucun des {1} rasters ne convient au modèle. {2} Choisissez des rasters ayant les bandes du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>{1} : une seule classe ({2}), alors qu&#x27;il en faut au moins {3}. Étiquetez aussi ce qui n&#x27;est pas de cette classe, par exemple comme « autre ».</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>{1} : {2} classes ({3}), alors qu&#x27;il en faut au plus {4}. Choisissez le champ de la classe, pas un champ qui numérote les entités, ou regroupez des classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation>Les classes {1} ne diffèrent que par les majuscules ; elles sont considérées comme différentes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation>La classe « {1} » a reçu la couleur « {2} », alors que rouge, vert et bleu sont attendus sous la forme #rrggbb, par exemple #1f78b4.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation>L&#x27;apparence des classes a été indiquée par {1}, alors qu&#x27;une liste JSON est attendue, par exemple [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}]. Corrigez-la, ou laissez vide.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation>{1} contient des listes, alors qu&#x27;une classe par entité est attendue. Choisissez un champ de texte ou de nombres entiers, ou autorisez plusieurs étiquettes par scène.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation>{1} contient des nombres décimaux ; comme tous sont entiers, ce sont des classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation>{1} contient {2}, alors que des classes sous forme de texte ou de nombres entiers sont attendues. Choisissez un autre de ses champs : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation>{1} est vide dans l&#x27;ensemble de ses {2} entités, alors que la classe de chacune est attendue. Remplissez-le, ou choisissez un autre champ.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation>{1} {2}, {3} : {4}. </translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation>Choisissez l&#x27;un d&#x27;eux.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation>Ajoutez-en un de texte ou de nombres entiers, et remplissez-le.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation>{1} contient des nombres décimaux tels que {2}, alors que des classes sous forme de texte ou de nombres entiers sont attendues. Choisissez un autre champ, ou transformez les nombres en classes avec la calculatrice de champ.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation>{1} {2} : plusieurs étiquettes pour un même lieu, alors qu&#x27;une par pixel est attendue. Choisissez un champ à une seule classe, ou entraînez sur des scènes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation>{1} {2} : aucun pixel du raster n&#x27;est étiqueté ; les étiquettes n&#x27;en touchent que le bord, ou le raster y est sans données. Dessinez des étiquettes sur le raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation>{1} {2} : {3} pixels étiquetés ; {4} d&#x27;entre eux ont été tirés au hasard, la totalité pour les petites classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation>{1} {2} : c&#x27;est un raster de classes, alors que des scènes sont attendues, c&#x27;est-à-dire des polygones ou des points avec un champ de classe. Choisissez une couche vecteur, ou entraînez la segmentation.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation>{1} scènes sur {2} de {4} ({3}) sont dessinées deux fois avec des classes différentes, par exemple {5} ; une classe par scène est attendue. Corrigez ces entités (identifiants d&#x27;entités), ou cochez « Une scène peut avoir plusieurs étiquettes » et donnez à une seule entité toutes ses étiquettes, séparées par des points-virgules.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation>{1} scènes sur {2} de {4} ({3}) sont dessinées deux fois avec des classes différentes, par exemple {5} ; aucune d&#x27;elles n&#x27;est utilisée pour l&#x27;apprentissage. Corrigez ces entités (identifiants d&#x27;entités).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation>{1} ; une classe par pixel est attendue. Corrigez ces entités (identifiants d&#x27;entités), ou découpez l&#x27;une par l&#x27;autre avec Différence.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation>{1} ; ces pixels sont ignorés.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation>{1} contient des nombres décimaux tels que {2}, alors qu&#x27;un raster dont les valeurs sont des classes est attendu. Choisissez un autre raster, ou transformez les nombres en classes (Reclassification par table dans QGIS).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation>{1} a plus de {2} valeurs différentes, alors qu&#x27;un raster dont les valeurs sont des classes est attendu. Choisissez le raster de classes, pas l&#x27;image.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation>{1} n&#x27;a aucun pixel étiqueté : tous sont nodata ({2}). Choisissez un autre raster, ou corrigez sa valeur nodata.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation>{1} a {2} bandes ; la première contient les classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation>{1} : aucune valeur nodata n’est déclarée, sa valeur {2} a donc été prise pour une classe, de {3} pixels. Si elle désigne ce qui n’est pas étiqueté, définissez-la comme nodata dans le fichier (gdal_edit.py -a_nodata {4}).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation>{1} {2} : en dehors du raster ; limites {3}, celles du raster {4}. Choisissez des étiquettes sur le raster, ou vérifiez le SCR des deux couches.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation>{1} {2} : pas de géoréférencement ; comme la taille est celle du raster, {3} x {4} pixels, la superposition se fait pixel par pixel.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation>{1} {2} : pas de SCR ; celui du raster est supposé.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation>{1} {2} : c&#x27;est un raster de classes, qui a une étiquette par pixel. Pour plusieurs étiquettes par scène, choisissez une couche vecteur.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation>Le fichier {2} ({1}) ne peut être lu ni comme couche vecteur ni comme raster. Ouvrez-le dans QGIS pour voir, et exportez-le à nouveau, en GeoPackage ou en GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation>{1} entités de {3} ({2}) ne sont ni des polygones ni des points ; elles sont ignorées.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation>{1} entités sur {2} de {4} ({3}) n&#x27;ont pas de classe dans le champ « {5} » ; elles sont ignorées.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation>Aucune imagette avec des pixels valides n&#x27;a été trouvée en {1} tirages : les images sont presque entièrement nodata. Découpez les rasters selon leurs données, ou vérifiez leurs valeurs nodata.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation>Le raster {1} n&#x27;a plus de place à côté de ce qui est mis de côté pour juger. Indiquez des rasters plus grands, ou plus de rasters.</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation>valeur nodata {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation>valeur nodata supplémentaire {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation>0 dans toutes les bandes utilisées compte comme nodata, car le fichier n&#x27;en déclare pas</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation>Aucun raster n&#x27;a été indiqué. Choisissez un fichier raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation>Le raster {1} n&#x27;existe pas. Vérifiez le chemin, et que son lecteur est connecté.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>{1} est un dossier, pas un raster. S&#x27;il s&#x27;agit d&#x27;un produit satellite (Sentinel-2, Landsat, HLS), ouvrez-le d&#x27;abord avec « Ouvrir un produit satellite ». Sinon, choisissez un fichier raster, ou empilez les fichiers de bandes avec Raster &gt; Divers &gt; Construire un raster virtuel, chaque fichier dans une bande séparée.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation>Le raster {1} est un fichier vide. Téléchargez-le ou exportez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation>{1} est une archive, pas un raster. S&#x27;il s&#x27;agit d&#x27;un produit satellite (Sentinel-2, Landsat), ouvrez-la d&#x27;abord avec « Ouvrir un produit satellite ». Sinon, décompressez-la, ou indiquez le raster qu&#x27;elle contient sous la forme {2}{3}/NAME.tif.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation> Il a des points de contrôle au sol ou des RPC : projetez-le d&#x27;abord (Raster &gt; Projections).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation>Le raster {1} n&#x27;a pas de système de coordonnées de référence.{2} Assignez-lui le bon dans QGIS avec Raster &gt; Projections &gt; Assigner une projection, ou indiquez-le dans CRS.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation>Le raster {1} n&#x27;a pas de géotransformation, sa position et sa taille de pixel sont donc inconnues. Géoréférencez-le dans QGIS (Couche &gt; Géoréférenceur), ou indiquez explicitement le SCR pour travailler en coordonnées de pixels.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation>Le raster {1} est placé par des points de contrôle ou des RPC, qui ne forment pas une grille de pixels. Projetez-le d&#x27;abord dans QGIS (Raster &gt; Projections &gt; Projection) et indiquez le résultat.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation>Le raster {1} a une géotransformation dont les pixels n&#x27;ont pas de surface. Géoréférencez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation>« {1} » n&#x27;est pas un système de coordonnées de référence. Indiquez un code tel que EPSG:32631.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation>C&#x27;est l&#x27;adresse d&#x27;un service, pas celle d&#x27;un fichier raster. Ajoutez le service à QGIS comme couche de valeurs mesurées (WCS) et choisissez cette couche, ou téléchargez la zone en GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation>Il vient d’une autre machine : vérifiez l’adresse, le réseau et votre droit de lecture. Le serveur doit envoyer des parties d’un fichier (requêtes HTTP par plages) ; sinon, téléchargez d’abord le fichier.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation>Le fichier est peut-être endommagé ou incomplètement téléchargé : ouvrez-le dans QGIS pour voir, et copiez, téléchargez ou exportez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation>Le raster {1} semble avoir ses canaux en dernier : {2} pages de {3} x {4} pixels, soit une image de {5} lignes dont les bandes ont été enregistrées comme colonnes. Réécrivez-le avec les bandes en premier (forme {6}, {7}, {8} ; en Python : numpy.moveaxis(image, -1, 0)).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation>S&#x27;il s&#x27;agit d&#x27;un produit satellite (Sentinel-2, Landsat, HLS), ouvrez-le d&#x27;abord avec « Ouvrir un produit satellite ». Sinon, choisissez l&#x27;un d&#x27;eux, ou empilez-les (Raster &gt; Divers &gt; Construire un raster virtuel).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation>Le raster {1} a des valeurs complexes (radar ?). Convertissez-le d&#x27;abord en valeurs réelles.</translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation>Les images ont des nombres de bandes différents, alors que le même est attendu pour toutes. Choisissez les mêmes bandes pour chacune.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation>valeurs comme dans le fichier</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation>Les échelles et décalages propres au fichier ne peuvent pas être justes, car une échelle vaut 0 ou l&#x27;un d&#x27;eux n&#x27;est pas un nombre : ils ont été ignorés. Écrivez les bons (gdal_edit.py -scale 0.0001 -offset 0), ou aucun (-scale 1 -offset 0).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation>{1} avec l&#x27;échelle {2} et le décalage {3} du fichier</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation>{1} avec les échelles et décalages du fichier</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation>valeurs {1} / 255</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation>Le raster a des valeurs sur 8 bits, étirées pour l&#x27;affichage ou non étalonnées : elles ont été prises comme réflectance après division par 255, et les résultats peuvent être médiocres. Utilisez le produit d&#x27;origine si possible.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation>valeurs {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Les valeurs du raster donnent des réflectances allant jusqu&#x27;à {1}, alors qu&#x27;on attend de 0 à environ 1 : les résultats peuvent être faux. Vérifiez l&#x27;échelle et le décalage dans le fichier, ou écrivez des réflectances 0..1 ou des réflectances x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation>Certaines valeurs du raster donnent des réflectances de {1}, qu&#x27;aucun sol n&#x27;a ({2} dans le fichier) : du nodata que le fichier ne déclare pas serait cartographié comme du sol et gâterait les fenêtres alentour. Indiquez-le comme valeur nodata supplémentaire de la couche, ou dans le fichier (gdal_edit.py -a_nodata).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation>valeurs {1} prises comme réflectance</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation>donnant la réflectance</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation>Les valeurs du raster atteignent {1} : elles ont été prises pour des réflectances x 10000, ce qui laisse sombres même les endroits les plus clairs. S&#x27;il s&#x27;agit de luminances, convertissez-les d&#x27;abord en réflectance.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation>valeurs {1} / 100</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Les valeurs du raster atteignent {1} : elles ont été prises comme pourcentages et divisées par 100. Si c&#x27;est faux, écrivez la réflectance 0..1 ou la réflectance x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation>nombres uint16 de {1}, niveau 1 (sommet de l&#x27;atmosphère)</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation>nombres uint16 de {1}, réflectance de surface de la Collection 2</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation>nombres uint16 de {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation>{1} : supposé d&#x27;après le nom et les valeurs du produit, car le fichier n&#x27;a pas d&#x27;échelle.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation>indiqué dans les métadonnées</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation>ligne de base de traitement {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation>les pixels sombres montrent que le décalage de {1} ({2}) est déjà retiré</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation>après retrait du décalage de {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation>Aucun pixel sombre ne dit si les valeurs comportent le décalage de 1000 (0.1 en réflectance) que les produits Sentinel-2 ont depuis la version de traitement 04.00 ; aucun n&#x27;a été retiré. Si c&#x27;est le cas, soustrayez-le d&#x27;abord, ou gardez le nom du produit dans le nom du fichier.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation>après retrait du décalage de 1000 que montrent les pixels sombres</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation>Les pixels les plus sombres de toutes les bandes sont à {1} ou au-dessus (en unités de 1/10000) : le décalage de 1000 que les produits Sentinel-2 comportent depuis la version de traitement 04.00 a été supposé et retiré.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation>Le raster {1} ne recouvre pas le premier : ses limites sont {2}, celles du premier {3}. Choisissez deux rasters du même lieu, et vérifiez le SCR des deux couches.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation>Le raster {1} n&#x27;a aucun pixel valide ({2}). Vérifiez sa valeur nodata et l&#x27;emprise.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation>{1} {2} : en dehors du raster ; limites {3} en {4}, celles du raster {5} en {6}. Choisissez des entités ({7}) sur le raster, ou vérifiez le SCR des deux couches.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation>Le fichier {2} ({1}) n&#x27;existe pas. Choisissez un fichier vecteur de ce type : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation>. Ouvrez-le dans QGIS pour voir, et exportez-le à nouveau, par exemple en GeoPackage.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation>Le fichier {2} ({1}) ne contient pas d&#x27;entités du type voulu ({3}) ; il a {4} entités de type {5}. Choisissez une couche de ce type : {6}{7}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation>Le fichier {2} ({1}) a plusieurs couches : {3}. Indiquez laquelle, par exemple {4}|layername={5}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation>Le fichier ({1}) {2} est en « {3} » et le raster en « {4} » : on ne connaît aucun passage de l&#x27;un à l&#x27;autre. Donnez la couche dans le SCR du raster, ou définissez le SCR dans lequel ses coordonnées sont réellement.</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation>Ouverture du raster</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation>Examen de ses valeurs</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation>Évaluation des modèles</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation>PyTorch {1} ne trouve pas de GPU utilisable : il a été compilé pour le processeur seulement, ou le pilote manque ou est trop ancien.</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation>Un produit de matrices sur le GPU diffère de celui du processeur de {1} de sa valeur.</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation>Ces bibliothèques du moteur ne fonctionnent pas : {1}. Réparez le moteur (dans QGIS : SpectralGPT &gt; Moteur &gt; Réparer).</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation>processeur et GPU</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation>Le modèle « {1} » normalise chaque scène par des statistiques de tous ses pixels, que Deepness ne calcule pas : ses cartes seraient différentes. Exportez-le en ONNX simple.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation>Écriture du graphe pour Deepness</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation>Comparaison avec le modèle</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation>Le graphe pour Deepness diffère du modèle de {1} pour une probabilité, alors que {2} est admis. Exportez-le en ONNX simple, et merci de signaler la fiche du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation>Écriture du modèle</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation>Dans Deepness, associez les bandes dans cet ordre : {1}{2}.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation>Dans Deepness, les valeurs doivent être la réflectance x {1}, sans décalage ajouté : soustrayez d&#x27;abord les 1000 que les produits Sentinel-2 comportent depuis la version de traitement 04.00.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation>Vérification du modèle</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation>Le modèle « {1} » n&#x27;a pas de poids à partir desquels entraîner : il n&#x27;y a pas de {2} à côté. Exportez-le plutôt en ONNX.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation>Le modèle « {1} » est un réseau de base : il ne prédit rien tant qu&#x27;il n&#x27;est pas affiné, il n&#x27;y a donc rien à exécuter ailleurs. Exportez ses poids (safetensors), ou affinez-le d&#x27;abord.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation>Le graphe exporté diffère du réseau de {1} pour une probabilité, alors que {2} est admis. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation>Exportez avec les poids complets (demi-précision désactivée).</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation>Merci de signaler la fiche du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation>Le réseau ne peut pas être exporté par cette version de torch. Merci de le signaler.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation>Les poids du modèle dépassent les 2 Go que peut contenir un seul fichier ONNX. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation>Utilisez un modèle plus petit.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation>Exportez avec des poids en demi-précision.</translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation>Le modèle a besoin de {1} Go ; un seul fichier ONNX peut en contenir 2. Écrivez plutôt un modèle .safetensors.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation>Le graphe de &#x27;{1}&#x27; ne contient pas le poids &#x27;{2}&#x27; de son réseau. Utilisez ONNX Runtime pour ce modèle, ou gardez son fichier .safetensors à côté.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation>Le modèle &#x27;{1}&#x27; a échoué sur le GPU. Choisissez le périphérique &#x27;cpu&#x27; ; s&#x27;il s&#x27;agit d&#x27;un modèle fourni, veuillez le signaler.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Le GPU n&#x27;a pas assez de mémoire libre pour le modèle &#x27;{1}&#x27;. Fermez d&#x27;autres programmes, ou choisissez un modèle plus petit.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation>« {1} » est copié tel quel : la sortie doit se terminer par {2}, pas par « {3} ». Pour en faire un autre type de fichier, utilisez « Exporter un modèle ».</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation>Copie du modèle</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation> Il semble fait pour l&#x27;extension Deepness : utilisez-le là.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation>« {1} » ne contient pas de fiche SpectralGPT : les bandes nécessaires, par longueur d&#x27;onde, et la mise à l&#x27;échelle des valeurs n&#x27;y sont pas écrites, il ne peut donc pas être exécuté ici.{2} Il faut un modèle produit par cette extension, ou un checkpoint SpectralGPT publié (.pth).</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation>Lecture du checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation>Calcul de l&#x27;empreinte du checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation>Ce checkpoint est un réseau de base : il ne prédit rien tant qu&#x27;il n&#x27;est pas affiné, il ne peut donc pas devenir un .onnx. Indiquez une sortie se terminant par .safetensors, et affinez à partir d&#x27;elle.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation>Le graphe de « {1} » a les entrées {2} et les sorties {3} ; un modèle pour {4} demande {5} et donne des probabilités. Importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation>Le graphe de « {1} » attend {2} (bandes, lignes, colonnes), sa fiche indique {3}. Le fichier ne correspond pas à sa fiche : refaites-le ou importez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation>Le modèle « {1} » a donné des scores de forme {2}, sa fiche a {3} classes. Le fichier ne correspond pas à sa fiche : refaites-le ou importez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation>Le modèle a donné des scores qui ne sont pas des nombres (NaN) : il est endommagé, ou le raster a des valeurs éloignées de celles pour lesquelles il a été fait. Vérifiez les valeurs et le nodata du raster, réglez le processeur sur « cpu », ou créez ou importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation>{1} ONNX Runtime est utilisé à la place.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation>Mesuré une fois : {1} n&#x27;exécute pas ce modèle : {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation>Mesuré une fois : {1} : {2} ; non utilisé</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation>Mesuré une fois : {1} : {2} ms par fenêtre{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation>Un GPU a été demandé et aucun n&#x27;est utilisable : {1}. Choisissez le périphérique « auto » ou « cpu », ou installez le moteur pour votre GPU.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation>Le GPU n&#x27;est pas utilisé, mais le processeur. {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation>{1} scènes sur {2} ont été terminées par une exécution précédente et sont laissées de côté</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation>« {1} » n&#x27;a pas pu être mis à jour : un autre programme, par exemple un tableur, le tient ouvert. Fermez-le là-bas et relancez la même commande, qui n&#x27;écrit alors que le tableau ; en attendant, « {2} » renseigne sur toutes les scènes.</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation>{1} scènes sur {2} n&#x27;ont pas pu être calculées : {3}. Les autres sont terminées ; &#x27;{4}&#x27; les énumère toutes. Corrigez ce qui ne va pas et relancez la même commande : ce qui est terminé est laissé de côté.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation>Étiquetage des cellules</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation>La taille de cellule {1} est inférieure à un pixel ({2} unités du SCR). Indiquez-en une plus grande, ou 0 pour la fenêtre du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation>Les pixels du raster de {1} m sont rééchantillonnés à {2} m, pour qu&#x27;une cellule de {3} px mesure {4} m de large ; le modèle a été entraîné sur {5} m.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation>Une cellule montre au modèle {1} fois le terrain sur lequel il a été entraîné ({2} m de large) : les étiquettes peuvent être médiocres. Mettez la taille de cellule à 0 pour l&#x27;échelle du modèle.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation>{1} {2} : moins de la moitié de leur surface est sur des pixels valides du raster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation>Rien ne peut être étiqueté ({1}) : sur {2}, aucune n&#x27;a au moins la moitié de ses pixels valides. Choisissez une taille de cellule plus petite, une autre zone, ou vérifiez les valeurs nodata.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation>Un worker calculerait avec {1} sur {2} (modèle {3}), le client avec {4} sur {5} (modèle {6}). Démarrez les workers avec l&#x27;environnement et les modèles du client, ou choisissez le périphérique &#x27;cpu&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation>La grappe n&#x27;a aucun worker, rien n&#x27;est donc calculé : l&#x27;exécution en attend un. Démarrez-en avec : dask worker ADDRESS, ou annulez.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation>Le cluster n&#x27;a pas pu calculer une tâche : son ordonnanceur a disparu, ou des workers se sont arrêtés dessus à plusieurs reprises. Consultez les journaux des workers : il leur manque peut-être de la mémoire ou les bibliothèques du moteur.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation>Cluster : {1} tâches pour {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation>Étiquetage des scènes</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation>Cluster : {1} bandes de lignes pour {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation>Bandes de lignes : ligne {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation>Un modèle de changements a deux classes, inchangé et changé ; « {1} » a {2}. Choisissez un autre modèle.</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation>Scores remis à l&#x27;échelle pour cette scène : {1} devient 0.5</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation>Seuil : {1} (trouvé dans la scène)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation>Seuil : {1} (fixé dans la fiche du modèle)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation>Seuil : {1} (indiqué ; celui du modèle n&#x27;est pas connu)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation>Seuil : {1} (indiqué ; celui du modèle est {2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation>Écriture de la carte</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation>Estimation : {1} fenêtres, {2}{3} de mémoire, {4} sur le disque ({5} libres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation>Estimation : {1} sur le disque de « {2} » ({3} libres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation>{1} de mémoire sont libres et le traitement peut avoir besoin de {2} : il peut être lent ou échouer. Fermez d&#x27;autres programmes ou choisissez moins de fils d&#x27;exécution.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation>Le dossier « {1} » a {2} d&#x27;espace libre et le traitement a besoin de {3} pendant qu&#x27;il travaille. Libérez de la place, choisissez un autre dossier ou limitez l&#x27;emprise.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation>Le dossier « {1} » a {2} d&#x27;espace libre et le traitement peut avoir besoin de {3} : il peut échouer. Libérez de la place ou choisissez un autre dossier.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation>La mémoire du GPU est limitée : poursuite avec {1} fenêtres à la fois.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation>La mémoire du GPU ne suffit pas pour une fenêtre : poursuite avec le processeur.</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation>Reprend là où la dernière exécution s&#x27;est arrêtée : {1} fenêtres sont faites</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation>Reprend là où la dernière exécution s&#x27;est arrêtée : {1} lignes sur {2} sont faites</translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation>Mesuré une fois : {1} : {2} ms par fenêtre</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation>Le modèle « {1} » est destiné à l&#x27;entraînement ; pour l&#x27;exécuter, il faut un fichier se terminant par .onnx. Exportez-le d&#x27;abord.</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation>La fiche de « {1} » ne nomme aucune classe. Refaites-le ou importez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation>Les deux dates n&#x27;ont aucun groupe de bandes en commun : la première fournit les groupes {1} du modèle, la seconde {2}. Choisissez des rasters du même capteur.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation>Il n&#x27;y a aucun pixel valide dans la zone : le raster n&#x27;y contient que du nodata. Choisissez une autre zone, ou vérifiez les valeurs nodata.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation>Fenêtres : ligne {1} sur {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation>ONNX Runtime n&#x27;a pas pu démarrer {1} : son pilote ou ses bibliothèques manquent ou sont trop anciens. Mettez le pilote à jour, ou choisissez le processeur.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation>ONNX Runtime {1} ne peut pas charger « {2} » : ce n&#x27;est pas un modèle ONNX complet, ou il demande une version plus récente. Copiez le fichier à nouveau, ou mettez le moteur à jour.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation>Le modèle « {1} » a échoué pendant son exécution. Refaites-le ou importez-le à nouveau ; si c&#x27;est un modèle fourni, merci de le signaler.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Mémoire libre insuffisante ({1}) pour le modèle « {2} ». Fermez d&#x27;autres programmes, ou choisissez un modèle plus petit.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation>OpenVINO {1} ne peut pas exécuter « {2} » : ce n&#x27;est pas un modèle ONNX complet, ou il a des parties qu&#x27;OpenVINO ne connaît pas.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>La machine n&#x27;a pas assez de mémoire libre pour le modèle « {1} ». Fermez d&#x27;autres programmes, ou choisissez un modèle plus petit.</translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation>Un lieu de {1} unités du SCR fait {2} x {3} pixels, plus que la zone de recherche ({4} x {5} pixels). Indiquez une taille plus petite, 0 pour {6} pixels, ou une emprise plus grande.</translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation>Estimé avant : {1} fenêtres, {2}{3} ; il a fallu {4} fenêtres, {5}, {6}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation>Pas d&#x27;aperçu rapide : {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation>Aperçu rapide : {1} x {2} pixels de {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation>La carte ne montre rien de la zone à calculer.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation>Le masque ne touche pas la zone à calculer ({1} en {2}) ; ses polygones se trouvent dans {3}. Choisissez un autre masque, ou vérifiez son SCR.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation>Le masque est plus petit qu&#x27;un pixel : aucun pixel n&#x27;a son centre à l&#x27;intérieur. Choisissez un masque plus grand.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation>Modèle : {1}, licence {2} ({3})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation>Modèle : {1}, licence {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation>Périphérique : {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation>{1} = bande {2}, {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation>{1} = laissée de côté</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation>{1}, bandes : {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation>{1}, valeurs : {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation>{1}, nodata : {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation>Les pixels du raster font {1} m au sol, ceux dont le modèle a appris {2} m : les résultats peuvent être mauvais. Rééchantillonnez le raster (Raster &gt; Projections &gt; Projection), choisissez un autre modèle ou entraînez-en un sur ce raster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation>Fenêtres : {1} calculées, {2} ignorées sur {3} ; {4} s, {5} Mpx/s sur {6} ({7})</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation>Aucune scène n&#x27;a été donnée. Indiquez des rasters avec inputs, ou avec inputs_list un fichier texte avec un raster par ligne.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation>Le changement demande deux rasters par scène ; {1} ont été donnés, le dernier est &#x27;{2}&#x27;. Donnez une première et une seconde date pour chacune.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation>Deux scènes seraient écrites dans la même sortie : &#x27;{1}&#x27; et &#x27;{2}&#x27;. Retirez-en une, ou renommez un fichier.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation>La sortie « {1} » est aussi une entrée et serait écrasée. Choisissez un autre nom.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation>La liste des scènes &#x27;{1}&#x27; ne peut pas être lue. Donnez un fichier texte (UTF-8) avec le chemin d&#x27;un raster sur chaque ligne.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; n&#x27;écrit pas de &#x27;{2}&#x27; à côté de sa sortie. Il y a : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation>La sortie « {1} » doit se terminer par {2}. Donnez-lui un tel nom.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation>Le nom d&#x27;un GeoPackage ne peut pas contenir de « ; », comme celui de la sortie « {1} ». Donnez-lui un autre nom.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation>Le nom de la sortie &#x27;{1}...&#x27; est trop long pour un fichier et ceux qui l&#x27;accompagnent : {2} octets, au plus {3} attendus. Donnez-lui un nom plus court.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation>Deux sorties seraient écrites dans « {1} ». Donnez à chacune son propre nom.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation>La sortie « {1} » est un dossier. Indiquez le nom d&#x27;un fichier.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation>Le dossier de la sortie « {1} » n&#x27;existe pas. Créez « {2} » ou choisissez-en un autre.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation>Le disque est plein, ou le fichier trop grand pour lui : « {1} » n&#x27;a pas pu être terminé. Libérez de la place, ou écrivez sur un autre disque. Rien n&#x27;a été conservé de cette sortie.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation>« {1} » ne peut pas être écrit. Vérifiez que vous pouvez écrire dans ce dossier et qu&#x27;aucun autre programme (ou couche dans QGIS) ne tient le fichier, ou choisissez un autre emplacement.</translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation>La fiche du modèle demande le seuil {1}, que cette version ne connaît pas. Mettez l&#x27;extension à jour, ou indiquez vous-même un seuil.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation>Le modèle « {1} » connaît {2} classe ; il en faut deux ou plus pour être indécis. Choisissez un modèle ayant plus de classes.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation>Aucun lieu de {1} n&#x27;a au moins la moitié de ses pixels valides{2}. Choisissez une taille plus petite, une zone plus grande, ou vérifiez les valeurs nodata.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation>Lieux de {1} : {2} trouvés.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation>{1} lieux ont été trouvés au lieu de {2} : il n&#x27;y a pas de place pour davantage de {3} avec un lieu entre deux. Choisissez une taille plus petite, ou une zone plus grande.</translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation>Des fenêtres de {1} px avec un recouvrement de {2} px sur un raster de {3} x {4} px sont impossibles : les tailles doivent être d&#x27;au moins 1 et le recouvrement plus petit que la fenêtre.</translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation>Étiquetage des zones</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation>Il n&#x27;y a pas de verbe « {1} ». Il y a : {2}.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation>Les paramètres de « {1} » doivent être un objet JSON.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation>« {1} » a besoin de la bibliothèque « {2} », que ce moteur n&#x27;a pas. Installez les bibliothèques du moteur « {3} » (dans QGIS : SpectralGPT &gt; Moteur).</translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation> Le moteur peut prendre {1} Mo, selon la limite de mémoire : augmentez-la dans QGIS sous Préférences &gt; Options &gt; SpectralGPT, ou mettez-la sur « Aucune limite ».</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation>{1}={2} ne convient pas à {3}={4} : un multiple positif est attendu. Utilisez {5}={6}, ou une autre valeur de {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation>Il n&#x27;y a pas de préréglage « {1} ». Choisissez parmi {2}.</translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation>La tête par pixel publiée est faite pour des jetons de {1} pixels et une largeur multiple de 16 ; reçu : patch={2}, width={3}. Utilisez patch={4} et width={5}.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation>Le réseau attend des images [lot, {1}, hauteur, largeur] ; reçu : {2}. Remplissez de zéros les bandes manquantes et laissez leur groupe de côté.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation>Le modèle préentraîné ne correspond pas à ce réseau : {1} poids de l&#x27;encodeur sur {2} manquent ou ont une autre forme ({3}). Choisissez un réseau de base ayant les mêmes bandes, largeur et profondeur.</translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation>Les poids de perte {1} ne permettent pas d&#x27;entraîner : aucun ne peut être négatif et l&#x27;un doit être supérieur à 0.</translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation>Un taux de masquage de {1} laisse {2} jetons visibles sur {3} : certains doivent être cachés et certains visibles. Utilisez 0.9, ou une fenêtre plus grande.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation>Les statistiques de la fiche ne correspondent pas à ses {1} bandes : {2} moyennes, {3} écarts-types (chacun doit être supérieur à 0). Entraînez ou importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation>La fiche demande la normalisation « {1} », cette version connaît statistics, tile-minmax, scene-statistics et none. Mettez l&#x27;extension à jour.</translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation>{1} niveaux de pixels se terminent au pas {2}, mais un jeton a {3} pixels de large. Indiquez une largeur pour chaque pas de 1 à {4}.</translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation>Une fenêtre de {1} x {2} pixels ne peut pas être découpée en jetons de {3} x {4} : les deux côtés doivent être des multiples de {5}. La taille valable la plus proche est {6} x {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation>Un modèle pour « {1} » ne prédit rien à lui seul. Affinez-le d&#x27;abord, et utilisez le résultat.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation>Le modèle attend {1} entrées ({2}) ; reçu : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation>La fiche du modèle indique le réseau « {1} », cette version connaît {2}. Mettez l&#x27;extension à jour, ou importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation>La fiche du modèle décrit son réseau « {1} » d&#x27;une façon que cette version ne sait pas construire. Mettez l&#x27;extension à jour, ou importez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation>Le réseau a perdu son encodeur.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation>Le réseau a été créé sans branche de pixels.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation>Le modèle « {1} » est destiné à {2}, il en faut ici un pour {3}. Choisissez un autre modèle, ou utilisez l&#x27;outil qui convient à celui-ci.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation>Il n&#x27;y a pas de modèle « {1} ». Indiquez le chemin d&#x27;un fichier de modèle, ou le nom d&#x27;un modèle installé ({2}).</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation>« {1} » n&#x27;est pas un modèle de SpectralGPT : un fichier se terminant par .onnx ou .safetensors est attendu. Importez d&#x27;abord les autres formats avec « Importer un modèle ».</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation>« {1} » ne peut pas être lu comme modèle : il est absent, endommagé ou d&#x27;un autre type. Copiez le fichier à nouveau, ou choisissez un autre modèle.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation>« {1} » ne contient pas de fiche SpectralGPT, ses bandes et ses classes sont donc inconnues. Importez-le d&#x27;abord avec « Importer un modèle ».</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation>La fiche de « {1} » est endommagée. Copiez le fichier à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation>Le fichier de modèle « {1} » a été modifié ou endommagé après sa création : son contenu ne correspond pas à son sceau. Copiez-le ou téléchargez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation>Le fichier de modèle « {1} » n&#x27;a pas de sceau. Importez ou entraînez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation>Le fichier de modèle « {1} » n&#x27;a pas d&#x27;emplacement pour un sceau. Importez ou entraînez le modèle à nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation>Le dossier {1} ne répond pas.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation>Le dossier {1} n&#x27;existe pas, ou son lecteur n&#x27;est pas connecté.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation>{1} est un fichier, pas un dossier.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation>Le dossier {1} ne peut pas être lu : {2}.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation>Il n&#x27;y a pas de fichier « {1} ». Indiquez le chemin d&#x27;un checkpoint.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation>« {1} » n&#x27;a pas été chargé : outre des poids, il contient {2} type(s) d&#x27;objet Python susceptible(s) d&#x27;exécuter du code ({3}). Seuls des tenseurs, des valeurs simples et argparse.Namespace sont admis. Procurez-vous le fichier publié, ou enregistrez les poids seuls avec torch.save(model.state_dict(), path).</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation>« {1} » ne peut pas être lu comme checkpoint PyTorch : il est d&#x27;un autre type, incomplet ou endommagé. Téléchargez-le à nouveau et comparez sa taille.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation>« {1} » contient {2}, alors qu&#x27;un dictionnaire de poids est attendu, seul ou sous « model ». Indiquez l&#x27;un des checkpoints publiés.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation>« {1} » contient {2} entrées qui ne sont pas des poids ({3}), alors que seuls des tenseurs denses à virgule flottante sont attendus. Indiquez l&#x27;un des checkpoints publiés.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation>« {1} » n&#x27;est pas un checkpoint SpectralGPT : poids attendus {2} ; trouvé {3}, parmi {4} poids ({5}). Indiquez l&#x27;un des checkpoints publiés.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation>« {1} » a des jetons de largeur {2} à {3} positions, alors qu&#x27;une largeur parmi {4} et un nombre carré de positions sont attendus. Indiquez l&#x27;un des checkpoints publiés.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation>« {1} » contient l&#x27;encodeur de SpectralGPT, mais ni son décodeur (decoder_...) ni une tête (cls_seg..., head...) parmi {2} poids. Indiquez l&#x27;un des checkpoints publiés.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation>« {1} » ne correspond pas au réseau {2} de SpectralGPT à {3} poids : {4}. Indiquez le fichier publié tel qu&#x27;il a été téléchargé, ou choisissez ce qu&#x27;il contient avec « kind ».</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation>Poids : Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, notice Zenodo 8412455. Leur licence, CC-BY-4.0, n&#x27;est connue que par le tableau d&#x27;un tiers : non vérifiée.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation>Chaque fenêtre est mise à l&#x27;échelle 0..1 bande par bande, comme à l&#x27;entraînement.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation> La signification de ses {1} bandes n&#x27;est pas connue : choisissez les bandes du raster à la main.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation>{1} {2} Importé ; aucun de ses chiffres n&#x27;a été vérifié ici.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation>Réseau de base SpectralGPT publié, à affiner ; il ne prédit rien à lui seul.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation>Réseau de changements SpectralGPT publié, affiné par ses auteurs sur OSCD.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation>Réseau de segmentation SpectralGPT à {1} classes dont les noms ne sont pas dans le fichier.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation>Réseau de segmentation SpectralGPT publié, affiné par ses auteurs sur SegMunich. Il prend dix bandes et y ajoute deux fois leur moyenne. Les sources divergent sur ces dix bandes : ce sont ici celles que son premier auteur a confirmées.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation>Classificateur de scènes SpectralGPT dont les noms de classes et la normalisation ne sont pas dans le fichier : les noms sont des numéros, et la mise à l&#x27;échelle par fenêtre est une hypothèse.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation>« {1} » n&#x27;a pas de paramètre « {2} ». Il a : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation>« {1} » a besoin du paramètre « {2} » : {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation>Le paramètre « {1} » de « {2} » est {3} ; attendu : {4} ({5}).</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation>Le paramètre « {1} » de « {2} » est « {3} » ; choisissez parmi : {4}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation>Le paramètre « {1} » de « {2} » est {3} ; il doit être compris entre {4} et {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation>L&#x27;archive {1} ne peut pas être lue : elle est endommagée, incomplètement téléchargée ou d&#x27;un autre type que ne l&#x27;indique son nom. Téléchargez-la de nouveau.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation>Le fichier de métadonnées « {1} » du produit ne peut pas être lu : il est endommagé ou incomplètement téléchargé. Téléchargez de nouveau le produit.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation>Il n&#x27;y a ni fichier ni dossier « {1} ». Indiquez le dossier d&#x27;un produit satellite, son .zip ou .tar, ou l&#x27;un quelconque de ses fichiers.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation>« {1} » est une archive compressée dont aucune partie ne peut être lue seule. Décompressez-la et indiquez le dossier ; un .zip ou un .tar peut être donné tel quel.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation>« {1} » ne désigne aucune archive de cet ordinateur. Indiquez un .zip ou .tar qui se trouve sur un disque.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation>C&#x27;est un produit Sentinel-2 de l&#x27;ancienne forme, d&#x27;avant décembre 2016. Téléchargez de nouveau la même scène : les archives ont été retraitées.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation>Il y a des fichiers d&#x27;un produit Sentinel-2, mais son fichier de métadonnées MTD_MSIL2A.xml ou MTD_MSIL1C.xml ne se trouve pas au-dessus ; sans lui, l&#x27;échelle et le décalage des valeurs sont inconnus. Téléchargez le produit entier.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation>Il y a des fichiers d&#x27;un produit Landsat, mais pas de fichier de métadonnées (son nom finit par _MTL.txt) ; sans lui, l&#x27;échelle et le décalage des valeurs sont inconnus. Téléchargez le lot complet du produit.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation>C&#x27;est un produit HLS de la version 1. Téléchargez la version 2.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation>C&#x27;est un produit d&#x27;un autre satellite ou niveau. Sentinel-2 Level-1C et Level-2A peuvent être ouverts.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation>« {1} » contient {2} produits : {3}. Indiquez l&#x27;un de ces fichiers, ou le dossier ou l&#x27;archive d&#x27;un seul produit.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation>« {1} » n&#x27;appartient à aucun produit satellite qui puisse être ouvert. Il faut un produit Sentinel-2 (dossier .SAFE ou .zip, Level-1C ou Level-2A), un produit Landsat Collection 2 (dossier ou .tar) ou un produit HLS de version 2 (dossier).</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation>Il manque au produit HLS {1} {2} de ses bandes : {3}. Téléchargez tous ses fichiers dans un même dossier.</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation>Le fichier Fmask du produit manque : aucun nuage n&#x27;est masqué.</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation>« {1} » ne décrit aucun produit Landsat Collection 2 avec des réflectances de TM, ETM+ ou OLI (collection {2}, capteur {3}). Téléchargez la scène de la Collection 2, de préférence en Level-2 (réflectance de surface).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation>Il manque au produit {1} de ses fichiers, par exemple « {2} » : il est incomplètement téléchargé ou décompressé. Téléchargez-le en entier (le lot du produit).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation>Le fichier QA_PIXEL du produit manque : aucun nuage n&#x27;est masqué.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation>Lecture des métadonnées du produit</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation>Produit : {1}, acquis {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation>Les fichiers de bandes de cette archive sont compressés, si bien que chaque lecture les décompresse : les cartes sont plus rapides à partir d&#x27;un produit décompressé.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation>Ouverture des fichiers de bande</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation>Détermination des couleurs</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation>{1} bandes sur une grille de {2} x {3} pixels de {4} m : {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation>Masquage des nuages</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation>{1} % de la scène sont masqués comme nuages ou ombres, d&#x27;après la couche du produit : {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation>Les fichiers du produit ne couvrent pas le même terrain : « {1} » diffère des autres. Des fichiers de plusieurs produits sont peut-être mêlés dans un dossier : téléchargez de nouveau le produit dans un dossier à lui.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation>Avec des pixels de {1} m, le produit de {2} x {3} pixels en aurait {4} x {5}. Donnez une résolution proche de la sienne, {6} m, ou 0 pour celle-ci.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation>Le fichier de métadonnées « {1} » nomme {2} tuiles et les fichiers de {3} bandes ; il faut une tuile avec toutes les bandes et l&#x27;échelle de leurs valeurs. Il est d&#x27;une ancienne forme (avant décembre 2016) ou endommagé : téléchargez de nouveau le produit.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation>Il manque au produit {1} de ses fichiers, par exemple « {2} » : il est incomplètement téléchargé ou décompressé. Téléchargez-le ou décompressez-le de nouveau. Si seuls ses fichiers à 20 ou 60 m ont été téléchargés, donnez cette résolution.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation>classification de la scène (SCL)</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation>La classification de la scène (SCL) du produit manque : aucun nuage n&#x27;est masqué.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation>Le produit n&#x27;a pas de masque de nuages lisible : avant la version de traitement 04.00 (janvier 2022), les produits Level-1C n&#x27;ont que des polygones. Aucun nuage n&#x27;est masqué ; c&#x27;est possible avec le Level-2A de la même date.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation>Le travail n&#x27;est pas un objet JSON sur une seule ligne : reçu {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation>Le travail n&#x27;est pas un objet JSON : reçu {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation>Le moteur a manqué de mémoire. Fermez d&#x27;autres programmes, ou travaillez sur une zone plus petite.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation>Le moteur a rencontré une erreur inattendue ({1} : {2}). Merci de la signaler.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation>Le modèle « {1} » est fourni avec l&#x27;extension et garde son nom.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation>« {1} » ne peut pas être le nom d&#x27;un fichier. Utilisez des lettres, des chiffres, des espaces, et les signes _ - + ( ).</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation>Il y a déjà un modèle « {1} » dans {2}. Choisissez un autre nom.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation>Le modèle a son nouveau nom, mais son ancien fichier « {1} » n&#x27;a pas pu être supprimé : {2}. Supprimez-le vous-même.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation>Le modèle « {1} » n&#x27;a pas d&#x27;encodeur SpectralGPT dont partir. Choisissez un réseau de base, ou un modèle issu d&#x27;un affinage.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation>Le modèle « {1} » peut seulement prédire, et il n&#x27;y a pas de {2} à côté à partir duquel entraîner. Choisissez un réseau de base, ou un modèle que vous avez affiné.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation>{1}Passe {2} sur {3}, perte {4}</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation>{1} n&#x27;est pas un point de reprise d&#x27;un entraînement, ou est endommagé. Supprimez-le pour repartir du début.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation>{1} appartient à une exécution avec d&#x27;autres paramètres. Supprimez-le pour repartir du début, ou continuez avec les paramètres de sa création.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation>Le point de reprise {1} n&#x27;a pas pu être écrit : le disque est plein, ou le dossier n&#x27;est pas accessible en écriture. Faites de la place ou corrigez le dossier, puis relancez la même chose : cela reprend au dernier point.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation>Les changements s&#x27;apprennent à partir de deux classes, inchangé et changé ; les étiquettes en ont {1} ({2}). Fusionnez-les en deux.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation>Impossible de savoir laquelle des étiquettes « {1} » et « {2} » signifie un changement. Nommez-les « unchanged » et « changed », ou 0 et 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation>Un GPU a été demandé, mais torch n&#x27;en voit aucun ici. Choisissez le périphérique « auto » ou « cpu », ou installez un torch adapté au pilote du GPU.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation>Recouvrement moyen (IoU) sur les étiquettes mises de côté avant : {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation>étiquettes mises de côté par lieux entiers, à la meilleure époque d&#x27;après ces mêmes étiquettes</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation>Arrêté avant la fin de la première passe : la tête sur caractéristiques figées est conservée.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>L&#x27;entraînement de l&#x27;encodeur n&#x27;a pas amélioré la carte des étiquettes mises de côté ({1} contre {2}) : la tête sur caractéristiques figées est conservée.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation>Un Predictor est attendu ; reçu : {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation>étiquettes de {1} lieux en {2} parties, chacune mise de côté à son tour ; le modèle a ensuite été ajusté à toutes</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation>Évaluation, partie {1} sur {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation>Rien n&#x27;a été mis de côté pour juger le modèle : une classe n&#x27;est étiquetée qu&#x27;en un seul lieu (à moins de {1} pixels). Dessinez chaque classe en au moins deux lieux.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation>Aucun raster n&#x27;a été indiqué. Choisissez les rasters du terrain étiqueté.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation>Il y a {1} rasters de la première date et {2} de la seconde. Indiquez-en un de la seconde pour chacun de la première, dans le même ordre.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation>Des rasters d&#x27;une seconde date ont été indiqués, mais la tâche est {1}. Choisissez la détection de changements, ou retirez-les.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation>{1} est laissé de côté : {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation>Les étiquettes {1} ne se trouvent sur aucun des {2} rasters. Choisissez des rasters du lieu étiqueté, ou vérifiez le SCR des deux.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation>Aucun pixel des rasters n&#x27;est étiqueté {1} : les étiquettes de cette classe se trouvent ailleurs. Dessinez-en sur les rasters, ou laissez la classe de côté.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation>{1} : il manque des bandes que d&#x27;autres rasters ont. Le modèle apprend partout sans elles.</translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation>{1} ne peut pas être enregistré.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation>Le réseau de base a déjà vu {1} des {2} vues des fenêtres lors d&#x27;une exécution précédente.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation>étiquettes mises de côté par lieux entiers, à la meilleure époque d&#x27;après ces mêmes étiquettes ; le modèle a ensuite été entraîné avec toutes</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation>Toutes les étiquettes mises de côté sont nodata dans les rasters, le modèle ne peut donc pas être jugé. Dessinez plus d&#x27;étiquettes là où le raster a des valeurs.</translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation>Étape {1} sur {2}. </translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation>Méthode : {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation>Méthode : {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation>le changement en d&#x27;autres lieux est mieux trouvé quand le réseau de base reste tel quel et qu&#x27;une tête est ajustée</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation>{1} lieux étiquetés, c&#x27;est peu : le réseau de base reste tel quel et une tête est ajustée</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation>{1} lieux étiquetés et un GPU : tous les poids apprennent</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation>{1} lieux étiquetés, pas de GPU : quelques poids du réseau de base apprennent</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation>le réseau de base a {1} millions de poids et il n&#x27;y a pas de GPU : il reste tel quel et une tête est ajustée</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation>La vérité a la forme {1}, la prédiction {2} : la même est attendue.</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation>{1} : valeurs {2}..{3}, alors que 0..{4} sont attendues.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation>Calcul des caractéristiques</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation>Tous les pixels étiquetés sont nodata dans les rasters. Dessinez des étiquettes là où le raster a des valeurs, ou vérifiez sa valeur nodata.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation>Tous les pixels étiquetés {1} sont nodata dans les rasters. Dessinez-en là où le raster a des valeurs, ou laissez la classe de côté.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation>{1} n&#x27;a pas de caractéristiques de pixels.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation>{1} époques terminées sont conservées dans {2} : relancez la même exécution pour continuer.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation>Rien n&#x27;a été conservé, car aucun dossier de reprise n&#x27;a été indiqué.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation>Annulé. {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation>Les images sont lues dans la mémoire du GPU ; les extraits y sont découpés.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation>Elles n&#x27;y tiennent pas à côté de ce que d&#x27;autres occupent : elles sont lues au besoin.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation>erreur quadratique moyenne des valeurs cachées en unités normalisées, sur des fenêtres mises de côté ; « interpolation » remplit chaque bande d&#x27;après ses tokens visibles selon la distance, « moyenne » par leur moyenne</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation>SpectralGPT préentraîné sans étiquettes sur des images personnelles, à partir de poids aléatoires ({1}).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation>SpectralGPT préentraîné sans étiquettes sur des images personnelles, à la suite de {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation>préentraînement masqué, progressif selon les fenêtres et les taux de masquage</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation>Le modèle « {1} » n&#x27;a pas de décodeur pour le préentraînement. Choisissez un réseau de base.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation>Les images sont trop petites pour en mettre une partie de côté : le réseau ne peut pas être jugé sur un terrain qu&#x27;il n&#x27;a pas vu. Indiquez des rasters plus grands, ou au moins dix.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation>{1} des rasters, comme {2}, ont été modifiés depuis le début de l&#x27;exécution dans {3} : ce qu&#x27;il en reste apprend d&#x27;eux tels qu&#x27;ils sont maintenant. Supprimez ce dossier pour recommencer.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation>{1} rasters, {2} mégapixels ; {3} fenêtres mises de côté. Réseau de {4} millions de poids ; {5} processus.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation>L’étape {1} a des fenêtres de {2} px, plus que n’en a son plus grand raster ({3} x {4} px) : elles sont agrandies à partir de moins de pixels, ce qui prend du temps et apprend peu. Utilisez des fenêtres plus petites ou des rasters plus grands.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation>{1} scènes étiquetées sont laissées de côté : moins de la moitié de leurs pixels sont valides.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation>Aucune scène étiquetée n&#x27;est utilisable : dans chacune, moins de la moitié des pixels sont valides. Étiquetez des scènes là où le raster a des valeurs, ou vérifiez sa valeur nodata.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation>{1} sur les scènes mises de côté, avant : {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation>scènes mises de côté par lieux entiers, à la meilleure époque d&#x27;après ces mêmes scènes</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>L&#x27;entraînement de l&#x27;encodeur n&#x27;a pas amélioré les étiquettes des scènes mises de côté ({1} contre {2}) : la tête sur caractéristiques figées est conservée.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation>Des rasters d&#x27;une seconde date ont été indiqués, mais les scènes n&#x27;ont qu&#x27;une date. Retirez-les, ou choisissez la détection de changements.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation>Des scènes qui se touchent sont dans des parties différentes, car il y en a trop peu d&#x27;autres : les chiffres flattent le modèle. Dessinez des scènes en plus de lieux.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation>Rien n&#x27;a été mis de côté pour juger le modèle : une classe n&#x27;est étiquetée qu&#x27;en un seul lieu (à moins de {1} pixels). Étiquetez chaque classe en au moins deux lieux.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation>{1} n&#x27;a pas de caractéristiques de scènes.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation>Sans scènes mises de côté, on ne peut pas voir si l&#x27;entraînement de l&#x27;encodeur est utile : la tête sur caractéristiques figées est conservée.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation>Apprentissage de l&#x27;aspect des petites imagettes</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation>Ajustement et évaluation de la dernière couche</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation>scènes de {1} lieux en {2} parties, chacune mise de côté à son tour (les motifs ont été appris de toutes, sans étiquettes) ; le modèle a ensuite été ajusté à toutes</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation>Aucune scène utilisable n&#x27;est étiquetée {1}. Étiquetez-en sur les rasters, ou laissez la classe de côté.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation>{1} : moins de {2} scènes. Étiquetez-en plus ; des chiffres tirés d&#x27;un si petit nombre disent peu.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation>La mémoire ne suffit même pas pour un lot de {1}. Choisissez un réseau ou une fenêtre plus petits, fermez d&#x27;autres programmes, ou calculez sur un autre périphérique.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation>La mémoire ne suffit pas pour un lot de {1} : essai avec {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation>L&#x27;étape {1} est « {2} », alors que {3} est attendu, par exemple 64:20:1e-3 ou 128:10:5e-4:0.9:*summer*. Séparez les étapes par ;.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation>Les étapes « {1} » ne contiennent aucune étape, alors que {2} est attendu.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation>L&#x27;étape {1} a une fenêtre de {2} px, alors qu&#x27;un multiple de l&#x27;imagette du réseau, de {3} px, est attendu. Utilisez {4} ou {5}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation>L&#x27;étape {1} cache {2} des {3} jetons d&#x27;une fenêtre de {4} px : rien ne reste visible. Diminuez le taux de masquage, ou utilisez une fenêtre plus grande.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation>Aucun nom de raster ne ressemble à « {1} ». Les rasters sont : {2}{3}. Utilisez * pour un texte quelconque dans le motif.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation>L&#x27;étape {1} est « {2} » : la fenêtre et les époques doivent être d&#x27;au moins 1, le taux d&#x27;apprentissage supérieur à 0 et d&#x27;au plus 1, le taux de masquage entre 0 et 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation>L&#x27;affinage attend un Predictor ; reçu : {1}. Réunissez-y le réseau et sa fiche.</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation>étiquettes mises de côté par lieux entiers</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation>Précision moyenne sur les étiquettes mises de côté : {1} pixel par pixel, {2} avec l&#x27;environnement</translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation>La perte est devenue {1} au pas {2} (époque {3}), à un taux d&#x27;apprentissage de {4}. Diminuez le taux d&#x27;apprentissage ou limitez le gradient, et cherchez dans les données des valeurs non finies.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation>Créé à partir d&#x27;étiquettes personnelles de {1} classes ({2}), en partant de {3}.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation>non jugé : aucune étiquette n&#x27;a pu être mise de côté</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation>{1} ne peut pas être lu, l&#x27;exécution de ce dossier ne peut donc pas être reprise. Supprimez le dossier, ou indiquez-en un autre.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation>Le dossier {1} contient une exécution avec d&#x27;autres paramètres ({2}). Indiquez les mêmes pour la poursuivre, ou un autre dossier, ou supprimez-le.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation>Impossible d&#x27;écrire dans le dossier de reprise {1}. Choisissez-en un autre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation>Aucun Python adapté n&#x27;a été trouvé : le moteur a besoin de Python 3.9 à 3.14 en 64 bits avec le module venv. Installez-en un (depuis python.org, ou « sudo apt install python3-venv »), puis réessayez.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation>Le moteur a échoué sans dire pourquoi.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation>Le moteur n&#x27;a pas pu être démarré : {1} ({2}). Installez-le ou réparez-le dans les préférences, sous SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation>La dernière installation du moteur n&#x27;est pas allée à son terme. Installez-le à nouveau.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation>Le moteur n&#x27;est pas encore installé. Installez-le dans les préférences.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation>L&#x27;enregistrement du moteur est endommagé. Réparez le moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation>Le Python à partir duquel le moteur a été créé a disparu ou a été remplacé. Réparez le moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation>L&#x27;extension a été mise à jour et demande d&#x27;autres versions des bibliothèques du moteur. Mettez le moteur à jour.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation>Le moteur est installé ({1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation>Le disque de {1} a {2} Go libres, et l&#x27;installation en demande {3}. Libérez de la place, ou choisissez un autre dossier pour le moteur.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation>Le moteur a manqué de mémoire ou a été arrêté par le système. Fermez d&#x27;autres programmes, choisissez une emprise plus petite ou réduisez le nombre de threads, et relancez.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation>Réparez le moteur dans les préférences, sous SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation>Le moteur s&#x27;est arrêté brutalement (violation d&#x27;accès, 0xC0000005) dans l&#x27;une de ses bibliothèques. Essayez le périphérique « cpu » ; si cela se reproduit, mettez à jour le pilote graphique. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation>Une bibliothèque dont le moteur a besoin n&#x27;a pas été trouvée (0xC0000135). Installez « Microsoft Visual C++ Redistributable » (x64), puis redémarrez QGIS. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation>Une bibliothèque du moteur n&#x27;a pas pu démarrer (0xC0000142). Installez « Microsoft Visual C++ Redistributable » (x64), puis redémarrez Windows.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation>Une bibliothèque du moteur est endommagée ou n&#x27;est pas en 64 bits (0xC000007B). </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation>Le moteur utilise une instruction que ce processeur n&#x27;a pas (0xC000001D).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation>Le moteur a été interrompu (0xC000013A).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation>{1} Il peut prendre {2} Mo de mémoire, ce qui est peut-être trop peu : voyez la limite de mémoire sous Préférences &gt; Options &gt; SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation>Le moteur a cessé de répondre et a été arrêté. Relancez-le.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation>Le moteur s&#x27;est terminé sans réponse (code de sortie {1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation>Le moteur est en cours d&#x27;installation par un autre processus (numéro {1}). Attendez qu&#x27;il se termine, ou arrêtez-le, et réessayez.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation>Le disque est plein. Libérez de la place, ou choisissez un autre dossier pour le moteur dans les préférences.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation>La protection du système (antivirus ou contrôle des applications) a arrêté l&#x27;installation. Demandez à votre administrateur d&#x27;autoriser le dossier du moteur, ou choisissez-en un autre dans les préférences.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation>Un fichier du moteur est en cours d&#x27;utilisation. Attendez la fin des travaux en cours, ou redémarrez QGIS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation>Le dossier du moteur n&#x27;est pas accessible en écriture. Choisissez dans les préférences un dossier qui vous appartient, ou faites modifier ses permissions.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation>Le chemin du dossier du moteur est trop long pour Windows. Choisissez-en un plus court dans les préférences.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation>Le certificat du serveur de paquets n&#x27;a pas été accepté, comme cela arrive derrière le proxy d&#x27;inspection d&#x27;une entreprise. Indiquez le fichier CA de votre entreprise dans les préférences, ou utilisez un dossier de wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation>Le proxy a refusé la connexion. Vérifiez le proxy dans les préférences (http://user:password@host:port).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation>Le serveur de paquets a refusé l&#x27;accès (401 ou 403). Vérifiez l&#x27;adresse et le mot de passe de l&#x27;index dans les préférences.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation>Le serveur de paquets n&#x27;a pas été joint. Vérifiez le réseau et, dans les préférences, le proxy et l&#x27;index ; sans réseau, installez depuis un dossier de wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation>Un paquet est arrivé endommagé. Relancez l&#x27;installation.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation>Le système est trop ancien pour les bibliothèques du moteur (sa bibliothèque C n&#x27;a pas ce dont elles ont besoin).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation>La mémoire n&#x27;a pas suffi. Fermez d&#x27;autres programmes et relancez l&#x27;installation.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation>Il n&#x27;y a pas de version de {1} pour {2} là où elle a été cherchée. Utilisez Python 3.9 à 3.14 en 64 bits ; un miroir défini dans les préférences peut être incomplet.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation>Le dossier de wheels « {1} » est absent ou ne contient pas de fichiers .whl.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation>Le fichier CA « {1} » est absent. Corrigez-le dans les préférences.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation>Réseau de base à 12 bandes Sentinel-2, taille « base », préentraîné sur fMoW-S2 pendant 200 époques ; pour entraîner à partir de lui.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation>CC-BY-4.0 selon d&#x27;autres ; à lire sur la page de l&#x27;archive</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation>Réseau de base à 12 bandes Sentinel-2, taille « base », préentraîné en plus sur BigEarthNet pendant 100 époques ; pour entraîner à partir de lui.</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation>SpectralGPT tiny, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation>SpectralGPT préentraîné sans étiquettes sur neuf bandes de Sentinel-2 (réflectance L1C et L2A) ; le point de départ de vos propres modèles.</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation>Changement urbain, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation>Changement entre deux dates de Sentinel-2 (L1C ou L2A) : construction et autres changements du sol bâti ou nu. Les saisons et les cultures ne sont pas un changement pour lui. L&#x27;eau qui apparaît ou disparaît n&#x27;est trouvée qu&#x27;en partie ; une rive qui se déplace de quelques pixels lui échappe le plus souvent (Boadella, février à juin 2020, présent à l&#x27;entraînement : F1 0,14). Il classe les pixels ; le seuil est trouvé dans chaque scène : il marque à peu près le quarantième qui a le plus changé, moins là où peu ressort et plus là où beaucoup a sûrement changé, et le raster de probabilité est décalé pour que le seuil soit 0,5. Attendez-vous à de fausses alertes sur les champs nus et là où presque rien n&#x27;a changé, et à des oublis là où un toit en remplace un semblable. La neige et les nuages sont un changement pour lui : masquez-les. Les deux dates doivent couvrir le même terrain, au moins quelques kilomètres carrés.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation>Occupation du sol (sept classes)</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation>Occupation du sol de chaque pixel en sept classes, d&#x27;après une image Sentinel-2 de l&#x27;un ou l&#x27;autre niveau. Appris de très peu de lieux : l&#x27;eau est fiable ; distinguer cultures et herbe ou arbustes, ou bâti et sol nu, demande plus d&#x27;une date ou vos propres étiquettes (affinage). Les nuages n&#x27;ont pas de classe : masquez-les d&#x27;abord. Les zones humides sont cartographiées comme ce à quoi elles ressemblent.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation>Eau</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation>Arbres</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation>Cultures</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation>Bâti</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation>Sol nu</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation>Herbe et arbustes</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation>Neige et glace</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation>Scènes d&#x27;Europe (les dix classes d&#x27;EuroSAT)</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation>Étiquette des fenêtres de 640 m avec l&#x27;une des dix classes d&#x27;EuroSAT. Appris de 89 vignettes étiquetées d&#x27;Europe en saison de végétation ; les autres continents, l&#x27;hiver, la neige et les nuages n&#x27;y sont pas, et une fenêtre avec plusieurs types de terrain reçoit l&#x27;étiquette d&#x27;un seul. Végétation herbacée, culture permanente et route sont les plus faibles : regardez les probabilités.</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation>Culture annuelle</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation>Forêt</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation>Végétation herbacée</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation>Route</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation>Industrie</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation>Pâturage</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation>Culture permanente</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation>Résidentiel</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation>Rivière</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation>Mer ou lac</translation>
    </message>
</context>
</TS>
